"""`ganlib sample`: the same pictures in every form, and nothing lost."""

import csv
import re
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from ganlib import bundle, scatter
from ganlib.latents import truncated
from pipelines import drawing, forms, generators
from pipelines.cli import app

CLASSES = ("ant", "bee", "2")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with generators of pictures, with classes and without, and of points; the current one."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("device: cpu\nnetwork:\n  name: mlp\n")
    made(Path("gan"), (1, 4, 6), CLASSES)
    made(Path("plain"), (3, 4, 4), ())
    made(Path("points"), (2, 1, 1), CLASSES)
    return tmp_path


def made(folder: Path, shape: tuple[int, int, int], classes: tuple[str, ...]) -> None:
    kind = "points" if shape[1:] == (1, 1) else "pictures"
    known = bundle.Description("mlp", {"width": 1}, shape, 8, "normal", classes, 3000, (5,) * len(classes), kind)
    torch.manual_seed(0)
    generator = known.family().generator(known.fit)
    with torch.no_grad():
        for weight in generator.parameters():
            weight.mul_(3)
    folder.mkdir()
    bundle.save_gan(folder, known, generator, None)


def sample(*arguments: str) -> str:
    """What it says where all is well."""
    done = CliRunner().invoke(app, ["sample", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def expected(
    count: int, labels: list[int] | None, *, gan: str = "gan", seed: int = 0, limit: float | None = None
) -> np.ndarray:
    """NCHW, drawn at once."""
    drawer = generators.open_drawer(generators.from_files(Path(gan)), torch.device("cpu"))
    told = None if labels is None else torch.tensor([labels[i % len(labels)] for i in range(count)])
    return torch.cat(list(drawer.pictures(drawer.noise(seed, range(count), truncation=limit), told))).numpy()


def in_folder(folder: str) -> np.ndarray:
    """NCHW."""
    read = [np.asarray(Image.open(file)) for file in sorted(Path(folder).glob("*.png"))]
    return np.stack(read)[:, None] if read[0].ndim == 2 else np.stack(read).transpose(0, 3, 1, 2)


def test_a_picture_is_the_same_in_every_form_and_however_many_are_asked_for(here: Path) -> None:
    wanted = expected(300, [0, 1, 2])
    sample("gan", "-n", "300", "-o", "many/")
    sample("gan", "-n", "5", "-o", "few")
    sample("gan", "-n", "40", "-o", "a.npz")
    assert np.array_equal(in_folder("many"), wanted)
    assert np.array_equal(in_folder("few"), wanted[:5])
    with np.load("a.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["images", "labels"]
        assert np.array_equal(arrays["images"], wanted[:40].transpose(0, 2, 3, 1))
        assert np.array_equal(arrays["labels"], np.arange(40) % 3)


def test_a_folder_says_which_class_each_file_is_of(here: Path) -> None:
    sample("gan", "-n", "4", "--label", "bee", "--label", "ant", "-o", "pics")
    with Path("pics/labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows == [{"file_name": f"00000{i}.png", "label": str((1, 0)[i % 2])} for i in range(4)]
    sample("plain", "-n", "2", "-o", "plainly/")
    assert not Path("plainly/labels.csv").exists()


def test_seed_label_and_truncation_decide_what_is_drawn(here: Path) -> None:
    sample("gan", "-n", "9", "--seed", "7", "--label", "bee", "--truncation", "0.4", "-o", "a/")
    assert np.array_equal(in_folder("a"), expected(9, [1], seed=7, limit=0.4))
    sample("gan", "-n", "9", "--seed", "7", "--label", "2", "--label", "0", "-o", "b/")
    assert np.array_equal(in_folder("b"), expected(9, [2, 0], seed=7)), "a name comes before a number"
    sample("plain", "-n", "9", "-o", "c/")
    assert np.array_equal(in_folder("c"), expected(9, None, gan="plain"))


@given(count=st.integers(1, 300), turns=st.integers(1, 20))
def test_a_sheet_has_every_picture_once_its_class_in_rows_of_its_own(count: int, turns: int) -> None:
    places, rows = forms.arranged(count, turns)
    assert sorted(places[places >= 0]) == list(range(count))
    for row, held in enumerate(places):
        shown = held[held >= 0]
        assert (shown % turns == row // rows).all()
        assert (np.diff(shown) == turns).all(), "in their order"
    for first in range(0, len(places), rows):
        block = places[first : first + rows].ravel()
        assert (np.flatnonzero(block < 0) >= (block >= 0).sum()).all(), "blank places come last"


def test_the_sheet_shows_the_pictures_and_names_their_classes(here: Path) -> None:
    wanted = expected(6, [0, 1, 2])
    sheet = forms.sheet(wanted, list(CLASSES))
    bare = forms.sheet(wanted[:, :, :, :], ["", "", ""])
    assert sheet.shape[0] == bare.shape[0]
    assert sheet.shape[1] > bare.shape[1], "names stand left of the rows"
    assert sheet.ndim == 2
    factor = 8
    first = bare[2 : 2 + 4 * factor : factor, 2 : 2 + 6 * factor : factor]
    second_of_its_class = bare[2 : 2 + 4 * factor : factor, 4 + 6 * factor : 4 + 12 * factor : factor]
    assert np.array_equal(first, wanted[0, 0])
    assert np.array_equal(second_of_its_class, wanted[3, 0])
    sample("gan", "-n", "6", "-o", "sheet.png")
    assert np.array_equal(np.asarray(Image.open("sheet.png")), sheet)


def film_wish(frames: int, classes: tuple[int, ...], limit: float | None = None) -> drawing.Wish:
    return drawing.Wish(5, 3, classes, limit, frames)


@pytest.mark.parametrize("limit", [None, 0.5])
def test_the_way_of_a_film_passes_every_picture_closes_and_never_jumps(here: Path, limit: float | None) -> None:
    drawer = generators.open_drawer(generators.from_files(Path("gan")), torch.device("cpu"))
    way, labels = drawing.way(drawer, film_wish(10, (0, 1, 2), limit))
    assert way.shape == (50, 8)
    assert torch.equal(way[::10], drawer.noise(3, range(5), truncation=limit))
    steps = (way.roll(-1, 0) - way).norm(dim=1)
    apart = (way[::10].roll(-1, 0) - way[::10]).norm(dim=1)
    assert (steps.view(5, 10).max(dim=1).values < apart * 0.25).all(), "also from the last back to the first"
    assert labels is not None
    assert labels.tolist() == [0] * 5 + [1] * 10 + [2] * 10 + [0] * 10 + [1] * 10 + [0] * 5
    if limit is not None:
        assert way.abs().max() <= limit


def test_one_label_stays_all_the_way(here: Path) -> None:
    drawer = generators.open_drawer(generators.from_files(Path("gan")), torch.device("cpu"))
    _, labels = drawing.way(drawer, film_wish(4, (2,)))
    assert labels is not None
    assert labels.tolist() == [2] * 20


@pytest.mark.parametrize(("gan", "labels"), [("gan", [0, 1, 2]), ("plain", None)])
def test_a_film_shows_the_way(here: Path, gan: str, labels: list[int] | None) -> None:
    """Within a few shades, in grey and in colour."""
    sample(gan, "-n", "4", "--frames", "6", "-o", "f.mp4")
    sample(gan, "-n", "4", "--frames", "6", "-o", "f.gif")
    wanted = expected(4, labels, gan=gan).transpose(0, 2, 3, 1).astype(int)
    factor = round(256 / max(wanted.shape[1:]))
    frames = decoded("f.mp4")
    assert frames.shape == (24, wanted.shape[1] * factor, wanted.shape[2] * factor, 3)
    middles = frames[::6, factor // 2 :: factor, factor // 2 :: factor]
    assert np.abs(middles - wanted).max() < 12
    with Image.open("f.gif") as moving:
        assert (moving.info["duration"], moving.info["loop"]) == (40, 0)
        first = np.asarray(moving.convert("RGB"))[factor // 2 :: factor, factor // 2 :: factor]
        assert np.abs(first - wanted[0]).mean() < 12


def test_odd_sides_are_filled_up(here: Path) -> None:
    made(Path("odd"), (1, 257, 3), ())
    sample("odd", "-n", "2", "--frames", "2", "-o", "f.mp4")
    assert decoded("f.mp4").shape == (4, 258, 4, 3)


def decoded(film: str) -> np.ndarray:
    with av.open(film) as opened:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]).astype(int)


def test_points_become_arrays_and_a_plot(here: Path) -> None:
    wanted = expected(50, [0, 1, 2], gan="points")
    sample("points", "-n", "50", "-o", "p.npz")
    sample("points", "-n", "50", "-o", "p.png")
    with np.load("p.npz", allow_pickle=False) as arrays:
        assert arrays["points"].dtype == np.float32
        assert np.array_equal(arrays["points"], wanted[:, :, 0, 0])
    plot = np.asarray(Image.open("p.png"))
    assert np.array_equal(plot, scatter.cloud(wanted, np.arange(50) % 3))
    assert {tuple(colour) for colour in scatter.CLASS_COLOURS[:3]} <= set(map(tuple, plot.reshape(-1, 3))) or (
        len(np.unique(plot.reshape(-1, 3), axis=0)) > 5
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("gan -n 0 -o y.png", "-n is 0; give 1 or more."),
        ("gan --seed -1 -o y.png", "--seed is -1; give a whole number"),
        ("gan --seed 18446744073709551616 -o y.png", "give a whole number from 0 to 2^64 - 1"),
        ("gan --truncation 0 -o y.png", "--truncation is 0; give a number above 0"),
        ("gan --truncation nan -o y.png", "--truncation is nan; give a number above 0"),
        ("gan --frames 0 -o y.mp4", "--frames is 0; give 1 or more."),
        ("gan --label cat -o y.png", "--label 'cat' is no class of this generator; give a number from 0 to 2 or"),
        ("gan --label 3 -o y.png", "--label '3' is no class"),
        ("gan --label -1 -o y.png", "--label '-1' is no class"),
        ("plain --label 0 -o y.png", "--label is '0', but this generator knows no classes; leave it out."),
        ("gan -o y.jpg", "-o y.jpg ends in .jpg; give .png (a sheet), .npz (arrays)"),
        ("gan -n 1 -o y.mp4", "-n is 1, but a film leads from picture to picture; give 2 or more."),
        ("gan -n 1000000 -o y.png", "A grid of 1000000 pictures of 4x6 is too large to look at; take at most -n 29127"),
        ("points -o y.mp4", "-o y.mp4 would be a film, but this generator makes points; give .png or .npz."),
        ("points -o y/", "-o y/ would be a folder, but this generator makes points"),
        ("gan -o gan", "gan is a folder that is not empty; name another, or empty it."),
        ("gan -o params.yaml/", "params.yaml is a file, not a folder; name another."),
        ("gan -o here.png", "here.png exists; name another, or replace it with --overwrite."),
        ("gan -o here.png/y.npz", "here.png/y.npz cannot be written: a file stands where a folder should be"),
        (f"gan -o {'x' * 300}.npz", "cannot be written: the name is too long; shorten it, or name another place."),
        (f"gan -o {'x' * 300}/", "cannot be written: the name is too long"),
        pytest.param(
            "gan -o /proc/nowhere/y.npz", "/proc/nowhere/y.npz cannot be written: nothing can be created there",
            marks=pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc"),
        ),
        ("./nothing -o y.png", "nothing holds no generator: gan.json is missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence_and_nothing_is_written(here: Path, arguments: str, said: str) -> None:
    Path("here.png").write_text("mine")
    before = sorted(here.rglob("*"))
    done = CliRunner().invoke(app, ["sample", *arguments.split()])
    assert done.exit_code == 2
    assert said in done.output
    assert re.fullmatch(r"error: [^\n]*\n", done.output)
    assert sorted(path for path in here.rglob("*") if ".ganlib" not in path.parts) == before
    assert Path("here.png").read_text() == "mine"


def test_a_file_is_replaced_on_request_and_an_empty_folder_is_used(here: Path) -> None:
    Path("y.npz").write_text("old")
    Path("empty").mkdir()
    sample("gan", "-n", "2", "-o", "y.npz", "--overwrite")
    assert len(np.load("y.npz", allow_pickle=False)["images"]) == 2
    sample("gan", "-n", "2", "-o", "empty")
    assert len(in_folder("empty")) == 2


@pytest.mark.parametrize("place", ["y.npz", "y.mp4", "y.gif", "y.png", "y/"])
def test_what_fails_halfway_leaves_nothing_behind(here: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: object, latents: torch.Tensor, labels: object, **more: object) -> object:
        yield torch.zeros(min(64, len(latents)), 1, 4, 6, dtype=torch.uint8)
        raise RuntimeError("half done")

    monkeypatch.setattr(generators.Drawer, "pictures", fails)
    before = sorted(here.rglob("*"))
    done = CliRunner().invoke(app, ["sample", "gan", "-o", place])
    assert isinstance(done.exception, RuntimeError)
    assert sorted(here.rglob("*")) == before


def test_memory_stays_flat_for_folders_and_arrays(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a batch of latents exists at once."""
    asked = []
    noise = generators.Drawer.noise

    def noted(self: generators.Drawer, seed: int, indices: range, **more: float | None) -> torch.Tensor:
        asked.append(len(indices))
        return noise(self, seed, indices, **more)

    monkeypatch.setattr(generators.Drawer, "noise", noted)
    sample("gan", "-n", "600", "-o", "y.npz")
    assert asked == [256, 256, 88]


def test_truncation_of_uniform_latents_scales_them() -> None:
    latents = torch.linspace(-1, 1, 9)[None]
    assert torch.equal(truncated(latents, 0.5, "uniform"), latents / 2)
