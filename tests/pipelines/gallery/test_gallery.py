"""`ganlib gallery` as its page and others ask it: the same wish the same bytes, bounds, and no answer to strangers."""

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import torch
from bench_project import SETTINGS, train_classifier, write_data, write_generator
from gallery_support import Server, in_this_process
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow_project import free_port
from PIL import Image
from typer.testing import CliRunner

from ganlib.settings import parse
from pipelines import generators
from pipelines.cli import app

BETWEEN = "start_seed=3&start_index=1&end_seed=4&end_index=5"
WISHES = (
    "/", "/pictures?seed=7&first=5&count=9&label=1&truncation=0.5", "/pictures.png?seed=7&count=9&who=B",
    "/pictures.zip?seed=7&count=9", f"/between?{BETWEEN}", f"/between.png?{BETWEEN}&steps=5",
    f"/between.gif?{BETWEEN}&steps=5", f"/between.mp4?{BETWEEN}&steps=5", "/nearest?seed=7&index=3&who=B",
)  # fmt: skip


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gallery of two generators that nobody registered; the current folder has their data and a classifier."""
    folder = tmp_path_factory.mktemp("gallery")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_data()
        train_classifier(parse(SETTINGS, where="test"))
        Path("params.yaml").write_text(json.dumps(SETTINGS))
        write_generator(Path("models/gan"), seed=0)
        write_generator(Path("models/other"), seed=1)
        with in_this_process("models/gan", "models/other") as server:
            yield server


@pytest.mark.parametrize("wish", WISHES)
def test_the_same_wish_is_the_same_bytes(two: Server, wish: str) -> None:
    first, again = two.ask(wish), two.ask(wish)
    assert first.status == 200, first.body
    assert first.body == again.body


def pixels_in(archive: bytes) -> np.ndarray:
    """NCHW, of grey pictures."""
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        names = [name for name in files.namelist() if name.endswith(".png")]
        return np.stack([np.asarray(Image.open(io.BytesIO(files.read(name)))) for name in names])[:, None]


@pytest.mark.parametrize(("who", "gan"), [("A", "models/gan"), ("B", "models/other")])
def test_a_picture_is_what_ganlib_sample_draws(two: Server, tmp_path: Path, who: str, gan: str) -> None:
    words = ["--seed", "7", "--label", "two", "--label", "2", "--truncation", "0.5", "-o", f"{tmp_path}/pictures/"]
    assert CliRunner().invoke(app, ["sample", gan, "-n", "40", *words]).exit_code == 0
    drawn = [np.asarray(Image.open(file)) for file in sorted((tmp_path / "pictures").glob("*.png"))]
    some = two.ask(f"/pictures.zip?seed=7&first=5&count=12&label=2&truncation=0.5&who={who}")
    assert np.array_equal(pixels_in(some.body)[:, 0], drawn[5:17])


def test_classes_take_turns_by_the_index_and_the_archive_names_them(two: Server) -> None:
    said = two.ask("/pictures?seed=1&first=4&count=5").said
    assert (said["indices"], said["labels"]) == ([4, 5, 6, 7, 8], [1, 2, 0, 1, 2])
    assert said["names"] == ["one", "two", "zero", "one", "two"]
    with zipfile.ZipFile(io.BytesIO(two.ask("/pictures.zip?seed=1&first=4&count=5").body)) as files:
        rows = list(csv.DictReader(io.StringIO(files.read("labels.csv").decode())))
    assert rows == [{"file_name": f"00000{index}.png", "label": str(index % 3)} for index in said["indices"]]


def test_a_way_leads_from_one_picture_to_the_other(two: Server) -> None:
    frames = two.ask(f"/between?{BETWEEN}&steps=6&truncation=0.9").said["frames"]
    for letter in "AB":
        ends = [
            two.ask(f"/pictures?seed={seed}&first={index}&count=1&truncation=0.9").said["pictures"][letter][0]
            for seed, index in ((3, 1), (4, 5))
        ]
        assert [frames[letter][0], frames[letter][-1]] == ends
        assert len(frames[letter]) == 6
    assert frames["A"] != frames["B"]


def test_the_nearest_are_those_of_a_plain_search(two: Server) -> None:
    said = two.ask("/nearest?seed=7&index=3&who=B").said
    train = np.load("data/prepared/images.npy")[:90].astype(float)
    heldout = np.load("data/prepared/images.npy")[90:].astype(float)
    drawer = generators.open_drawer(generators.from_files(Path("models/other")), torch.device("cpu"))
    (picture,) = torch.cat(list(drawer.pictures(drawer.noise(7, [3]), torch.tensor([0])))).numpy().astype(float)
    wanted = np.array([apart(picture, other) for other in train])
    in_pixels = next(space for space in said["spaces"] if space["name"] == "pixels")
    positions = [each["position"] for each in in_pixels["found"]]
    assert np.allclose([each["distance"] for each in in_pixels["found"]], wanted[positions])
    assert in_pixels["found"][0]["distance"] == pytest.approx(wanted.min())
    theirs = np.array([min(apart(one, other) for other in train) for one in heldout])
    assert in_pixels["nearer"] == int((theirs <= wanted.min()).sum())
    in_features = next(space for space in said["spaces"] if space["name"] == "features")
    distances = [each["distance"] for each in in_features["found"]]
    assert distances == sorted(distances)
    assert in_features["through"].startswith("classifier")


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Root of the mean squared difference, the least over all moves by a pixel; written anew."""
    found = []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            left = one[:, max(down, 0) : 4 + min(down, 0), max(right, 0) : 4 + min(right, 0)]
            there = other[:, max(-down, 0) : 4 + min(-down, 0), max(-right, 0) : 4 + min(-right, 0)]
            found.append(np.sqrt(((left - there) ** 2).mean()))
    return float(min(found))


@pytest.mark.parametrize(
    ("target", "word"),
    [
        ("/pictures?count=97", "count"), ("/pictures?count=0", "count"), ("/pictures?count=1e9", "count"),
        ("/pictures.zip?count=1001", "count"), ("/pictures?seed=-1", "seed"), (f"/pictures?seed={2**64}", "seed"),
        ("/pictures?seed=%00", "seed"), ("/pictures?first=99999999999", "first"), ("/pictures?label=3", "label"),
        ("/pictures?label=-1", "label"), ("/pictures?truncation=0", "truncation"),
        ("/pictures?truncation=nan", "truncation"), ("/pictures?truncation=inf", "truncation"),
        ("/pictures?path=/etc/passwd", "path"), ("/pictures.png?who=C", "who"), ("/pictures.png?who=../x", "who"),
        ("/between?start_seed=1", "missing"), (f"/between?{BETWEEN}&steps=241", "steps"),
        (f"/between.gif?{BETWEEN}&steps=1", "steps"), (f"/between?{BETWEEN}&end_label=7", "label"),
        ("/nearest?index=-1", "index"), ("/nearest?who=C", "who"), ("/question?choice=left", "choice"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_in_a_sentence(two: Server, target: str, word: str) -> None:
    answer = two.ask(target)
    assert answer.status == 400
    assert word in answer.sentence


STRANGERS = (
    ({"Host": "evil.example"}, "Host"), ({"Host": "127.0.0.1"}, "Host"), ({"Host": "127.0.0.1:1"}, "Host"),
    ({"Host": "127.0.0.1.evil.example:{port}"}, "Host"), ({"Host": ""}, "Host"),
    ({"Origin": "https://evil.example"}, "Origin"), ({"Origin": "null"}, "Origin"),
    ({"Origin": "http://127.0.0.1:1"}, "Origin"), ({"Origin": "http://localhost:{port}"}, "Origin"),
    ({"Sec-Fetch-Site": "cross-site"}, "site"), ({"Sec-Fetch-Site": "same-site"}, "site"),
)  # fmt: skip


@pytest.mark.parametrize(("headers", "word"), STRANGERS)
@pytest.mark.parametrize("target", ["/pictures", "/question", "/vote"])
def test_strangers_get_no_answer(two: Server, target: str, headers: dict[str, str], word: str) -> None:
    sent = {name: value.format(port=two.port) for name, value in headers.items()}
    answer = two.vote({"question": "x", "choice": "left"}, sent) if target == "/vote" else two.ask(target, sent)
    assert answer.status == 403
    assert word in answer.sentence


def test_a_page_elsewhere_may_link_here_and_do_no_more(two: Server) -> None:
    assert two.ask("/", {"Sec-Fetch-Site": "cross-site"}).status == 200
    assert two.ask("/pictures.png", {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert two.ask("/", {"Host": f"localhost:{two.port}", "Origin": f"http://localhost:{two.port}"}).status == 200


@pytest.mark.parametrize("target", ["/", "/pictures", "/nowhere", "/pictures?count=0"])
def test_no_answer_may_be_framed_or_kept(two: Server, target: str) -> None:
    headers = two.ask(target).headers
    assert headers["content-security-policy"] == "frame-ancestors 'none'"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@settings(max_examples=60)
@given(
    parts=st.lists(
        st.sampled_from(["..", ".", "", "etc", "passwd", "params.yaml", "data", "models", "gan", "mlflow.db", "%00"])
        | st.text(max_size=8),
        min_size=1,
        max_size=6,
    ),
    how=st.sampled_from(["", "/", "%"]),
)
def test_no_path_leads_to_a_file(two: Server, parts: list[str], how: str) -> None:
    path = "/".join(parts)
    target = "/" + (quote(path, safe="" if how else "/%") if how != "%" else path.encode().hex("%"))
    if target in ("/", "/pictures", "/between", "/nearest", "/question", "/result", "/vote"):
        return
    answer = two.ask(target)
    assert answer.status in (400, 404), target
    assert len(answer.body) < 200


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"question": "x", "choice": "left"}', {"Content-Type": "text/plain"}, 415),
        (b"question=x&choice=left", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{" * 900, {}, 400),
        (b"[" * 2000, {}, 413),
        (b"[]", {}, 400),
        (b'{"question": "x"}', {}, 400),
        (b'{"question": "x", "choice": "both"}', {}, 400),
        (b'{"question": "x", "choice": "left"}', {}, 400),
        (b'{"question": "x", "choice": "left", "more": 1}', {}, 400),
        (b'{"question": 5, "choice": "left"}', {}, 400),
    ],
)
def test_no_vote_is_taken_that_the_page_would_not_send(
    two: Server, body: bytes, headers: dict[str, str], status: int
) -> None:
    own = {"Origin": two.address, "Content-Type": "application/json"}
    answer = two.ask("/vote", {**own, **headers}, method="POST", body=body)
    assert answer.status == status
    assert answer.sentence


def test_a_vote_comes_from_the_page_alone(two: Server) -> None:
    words = {"question": two.ask("/question").said["question"], "choice": "left"}
    without = {"Content-Type": "application/json"}
    assert two.ask("/vote", without, method="POST", body=b'{"question": "x", "choice": "left"}').status == 403
    assert two.ask("/vote").status == 405
    assert two.vote(words).status == 200
    assert two.vote(words).status == 400, "a question has one answer"


def sentence_of(*words: str) -> str:
    """The one sentence of a mistake."""
    done = CliRunner().invoke(app, ["gallery", *words])
    assert done.exit_code == 2, done.output
    (line,) = done.output.splitlines()
    assert line.startswith("error: ")
    return line


def test_a_port_in_use_is_a_sentence(two: Server) -> None:
    assert f"Port {two.port} on 127.0.0.1 cannot be used" in sentence_of("models/gan", "--port", str(two.port))


def test_generators_that_cannot_be_shown_are_a_sentence(two: Server) -> None:
    port = ("--port", str(free_port()))
    write_generator(Path("models/points"), seed=1, points=2)
    write_generator(Path("models/larger"), seed=1, side=8)
    write_generator(Path("models/letters"), seed=1, classes=("a", "b", "c"))
    assert "holds no generator" in sentence_of("models", *port)
    assert "ganlib sample models/points" in sentence_of("models/points", *port)
    assert "one size" in sentence_of("models/gan", "models/larger", *port)
    assert "knows the classes zero, one, two" in sentence_of("models/gan", "models/letters", *port)
    assert "one and the same" in sentence_of("models/gan", "./models/gan", *port)


def test_a_generator_without_classes_is_asked_for_none(two: Server, tmp_path: Path) -> None:
    write_generator(tmp_path / "plain", seed=3, classes=())
    with in_this_process(str(tmp_path / "plain")) as server:
        assert "knows no classes" in server.ask("/pictures?label=0").sentence
        said = server.ask("/pictures?count=2").said
        assert (said["labels"], said["names"]) == ([None, None], ["", ""])
        assert server.ask("/question").status == 404, "there is nobody to vote against"
        assert b'id="label"' not in server.ask("/").body


def test_what_is_not_there_costs_the_nearest_pictures_alone(
    two: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree("data", tmp_path / "data")
    shutil.copy("params.yaml", tmp_path)
    write_generator(tmp_path / "gan", seed=3)
    monkeypatch.chdir(tmp_path)
    with in_this_process("gan") as server:
        features, pixels = sorted(server.ask("/nearest").said["spaces"], key=lambda space: space["name"])
        assert "dvc repro classifier" in features["absent"], "it was not trained"
        assert pixels["found"]
    shutil.rmtree("data")
    with in_this_process("gan") as server:
        assert "dataset.json is missing" in server.ask("/nearest").sentence
        assert server.ask("/pictures").status == 200
