"""The desk as it is asked: what it says of each training is true, its pages are the files, and no more than that."""

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asking import Server
from desk_support import RUNS, TOTAL, at_the_desk, dead, draw, sign
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow_project import REPOSITORY

from ganlib import desk_page
from pipelines import lineage, params, paths, trainings
from pipelines.desk.leaves import LEAVES, clock


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One for all tests: it reads the folder that is the current one when it is asked."""
    with at_the_desk() as server:
        yield server


@pytest.fixture
def desk(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Over an empty folder."""
    monkeypatch.chdir(tmp_path)
    return server


def standing(desk: Server) -> Any:
    return desk.ask("/standing").said


def test_an_empty_project_is_told_what_to_type(desk: Server) -> None:
    said = standing(desk)
    assert (said["heading"], said["mood"], said["frame"]) == ("Nothing is being trained", "plain", None)
    assert "`dvc repro`" in said["sentence"]
    page = desk.ask("/").body.decode()
    for leaf in LEAVES:
        assert said["leaves"][leaf.address] == {"there": False, "words": f"not there yet: `{leaf.way}`"}
        assert f"<code>{leaf.way}</code>" in page
        assert f'href="{leaf.address}"' not in page
        assert "the desk says how to make it" in desk.ask(leaf.address).sentence
    assert f'href="{RUNS}"' in page
    assert "Nothing has been trained" in desk.ask(desk_page.FRAME).sentence


def test_a_training_at_work_is_shown_live(desk: Server) -> None:
    folder = sign("a" * 64)
    first = standing(desk)
    assert (first["heading"], first["mood"], first["frame"]) == ("Being trained now", "good", None)
    assert "its page comes with its first picture" in first["sentence"]
    draw(folder, 2)
    second = standing(desk)
    assert "dcgan-hinge-aaaaaaaa of digits, since today at" in second["sentence"]
    assert "8,000 of 40,000 images" in second["sentence"]
    assert (second["share"], second["title"][:5]) == (0.2, "20%, ")
    assert desk.ask(desk_page.FRAME).body == (folder / trainings.PAGE).read_bytes()
    assert standing(desk) == second, "what has not changed is no other state"
    draw(folder, 3)
    assert standing(desk)["frame"] not in (None, second["frame"])


def test_one_that_was_killed_is_not_called_now(desk: Server) -> None:
    draw(sign("a" * 64, saved=4000, **dead()), 2)
    said = standing(desk)
    assert (said["heading"], said["mood"]) == ("Stopped", "warn")
    assert re.search(r"its process is gone .* with 4,000 of 40,000 images saved; it goes on where", said["sentence"])
    assert (said["share"], said["title"]) == (0.1, said["project"])


def test_one_that_was_stopped_goes_on_by_dvc_repro_where_it_is_the_one_that_would_be_trained(desk: Server) -> None:
    for name in ("ganlib", "pipelines"):
        Path(name).symlink_to(REPOSITORY / name)
    Path("params.yaml").write_text("network:\n  name: mlp\n")
    paths.PREPARED.mkdir(parents=True)
    (paths.PREPARED / "dataset.json").write_text(json.dumps({"digest": "d" * 64}))
    key = lineage.of_training(params.load(), "d" * 64).key
    folder = sign(key, saved=20_000, ended="stopped")
    assert re.search(r"stopped today at .* 20,000 .* saved; `dvc repro` goes on from there", standing(desk)["sentence"])
    next(folder.glob("*.safetensors")).unlink()
    assert "nothing of 40,000 images saved; `dvc repro` begins it anew" in standing(desk)["sentence"]
    Path("params.yaml").write_text("network:\n  name: dcgan\n")
    assert "it goes on where these settings, code and data are trained again" in standing(desk)["sentence"]
    Path("params.yaml").write_text("network: [")
    assert "it goes on where" in standing(desk)["sentence"], "a typo elsewhere is not the desk's to tell"


def test_one_that_finished_is_the_last_one(desk: Server) -> None:
    sign("b" * 64, **dead(), began=1.0)
    draw(sign("a" * 64, saved=TOTAL, ended="finished"), 2)
    said = standing(desk)
    assert (said["heading"], said["share"]) == ("Nothing is being trained", None)
    assert "The last one, dcgan-hinge-aaaaaaaa of digits, finished today" in said["sentence"]
    assert said["frame"], "its page stays to be looked at"


def test_of_several_at_work_the_one_that_began_last_is_shown_and_the_others_are_named(desk: Server) -> None:
    sign("a" * 64, began=10.0)
    sign("b" * 64, began=20.0)
    sign("c" * 64, began=30.0, ended="finished")
    said = standing(desk)["sentence"]
    assert said.startswith("dcgan-hinge-bbbbbbbb")
    assert said.endswith("At work, too: dcgan-hinge-aaaaaaaa.")


def test_of_another_machine_only_what_it_writes_is_known(desk: Server) -> None:
    folder = sign("a" * 64, host="elsewhere", **dead())
    assert standing(desk)["heading"] == "Being trained now"
    long_ago = (datetime.now() - timedelta(seconds=trainings.SILENT_SECONDS + 60)).timestamp()
    os.utime(folder / trainings.SIGN, (long_ago, long_ago))
    said = standing(desk)
    assert (said["heading"], said["mood"]) == ("Fallen silent", "warn")
    assert "on elsewhere: last heard of" in said["sentence"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": "a", "more": 1}'])
def test_a_sign_that_cannot_be_read_is_none(desk: Server, text: str) -> None:
    (sign("a" * 64) / trainings.SIGN).write_text(text)
    assert standing(desk)["heading"] == "Nothing is being trained"


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.title)
def test_a_page_is_its_file_at_that_moment_and_can_do_no_more(desk: Server, leaf: Any) -> None:
    leaf.path.parent.mkdir()
    for content in (b"<p>one</p>", b"<p>another</p>"):
        leaf.path.write_bytes(content)
        answer = desk.ask(leaf.address)
        assert (answer.status, answer.body) == (200, content)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; ")
    assert "allow-same-origin" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert standing(desk)["leaves"][leaf.address]["words"].startswith("written today at ")
    assert f'href="{leaf.address}"' in desk.ask("/").body.decode()


def test_nobody_may_frame_the_desk_itself(desk: Server) -> None:
    assert desk.ask("/").headers["content-security-policy"] == "frame-ancestors 'none'"
    assert desk.ask("/standing").headers["content-security-policy"] == "frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({"Host": "evil.example"}, "Host"), ({"Origin": "null"}, "Origin"),
        ({"Sec-Fetch-Site": "cross-site"}, "site"), ({"Sec-Fetch-Site": "same-site"}, "site"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("target", ["/standing", desk_page.FRAME, "/data.html"])
def test_strangers_get_no_answer(desk: Server, target: str, headers: dict[str, str], word: str) -> None:
    answer = desk.ask(target, headers)
    assert answer.status == 403
    assert word in answer.sentence


@settings(max_examples=30)
@given(parts=st.lists(st.sampled_from(["..", ".", "%2e%2e", "reports", "data.html", "params.yaml", "%00"]), min_size=2))
def test_no_path_leads_to_a_file(server: Server, parts: list[str]) -> None:
    answer = server.ask("/" + "/".join(parts))
    assert answer.status in (400, 404)
    assert len(answer.body) < 200


def test_a_moment_is_said_as_people_say_it() -> None:
    now = datetime.now().astimezone()
    noon = now.replace(hour=12, minute=5, second=0)
    assert clock(noon.timestamp()) == "today at 12:05"
    assert clock((noon - timedelta(days=1)).timestamp()) == "yesterday at 12:05"
    assert clock(noon.replace(year=2020, month=3, day=4).timestamp()) == "4 March 2020 at 12:05"
