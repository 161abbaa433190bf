"""The doctor: every check alone, none can break or hang the others, and --fix touches only what is safe."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mlflow_project import Project, free_port, publish

from ganlib.errors import UserError
from pipelines import doctor, paths, registry, tracking
from pipelines.cli import health as command
from pipelines.doctor import Circumstances, Finding, State, device, kept, leftovers, packages, project, space, stores
from pipelines.flows import address, turns, worktree
from pipelines.tracking import models, runs, store

AN_HOUR = 3600.0


def states(found: Iterator[Finding]) -> list[State]:
    return [finding.state for finding in found]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with nothing in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def aged(place: Path, seconds: float = AN_HOUR) -> Path:
    """As if nobody had touched it for so long."""
    for each in (*place.rglob("*"), place):
        os.utime(each, (time.time() - seconds, time.time() - seconds))
    return place


def a_bug(_: Circumstances) -> Iterator[Finding]:
    yield Finding("bug", State.OK, "said before")
    raise KeyError("lost")


def a_mistake(_: Circumstances) -> Iterator[Finding]:
    raise UserError("Somebody erred; do better.")
    yield


def endless(_: Circumstances) -> Iterator[Finding]:
    threading.Event().wait(60)
    yield


def well(_: Circumstances) -> Iterator[Finding]:
    yield Finding("well", State.OK, "fine")


def test_a_check_that_breaks_or_hangs_is_a_finding_and_the_others_go_on() -> None:
    began = time.monotonic()
    chosen = {"bug": a_bug, "mistake": a_mistake, "endless": endless, "well": well}
    said, bug, mistake, hanging, fine = doctor.examine(Circumstances(), chosen, patience=0.2)
    assert time.monotonic() - began < 10
    assert (said.says, fine.says) == ("said before", "fine")
    assert [each.state for each in (bug, mistake, hanging)] == [State.WRONG] * 3
    assert "KeyError: 'lost'" in bug.says
    assert mistake.says == "Somebody erred; do better."
    assert "no answer within" in hanging.says


def test_every_group_has_a_check_that_ends_in_an_empty_folder(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "")
    found = list(doctor.examine(Circumstances()))
    assert {finding.group for finding in found} == set(doctor.checks())
    assert not [finding.says for finding in found if "broke" in finding.says]
    assert list(empty.iterdir()) == [], "looking leaves nothing behind"


@pytest.mark.parametrize(
    ("name", "there", "broken"),
    [
        ("fastapi", "0.155.1", True),
        ("fastapi", "0.151.0", True),
        ("fastapi", "0.150.0", False),
        ("sqlalchemy", "2.1.0", True),
        ("sqlalchemy", "2.0.58", False),
    ],
)
def test_the_two_silent_breaks_of_prefect_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, there: str, broken: bool
) -> None:
    versions = {"prefect": "3.8.8", name: there}
    monkeypatch.setattr(packages, "installed", versions.get)
    found = list(packages.known_breaks())
    assert bool(found) == broken
    assert all(there in each.says and f"'{name}>=" in each.way_out for each in found)
    versions["prefect"] = "3.9.0"
    assert list(packages.known_breaks()) == [], "nobody has measured the next one"


def test_packages_are_compared_with_the_constraints_and_builds_for_devices_are_equal(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("constraints.txt").write_text("# made by: uv\ntorch==2.15.0\nnumpy==2.4.6  # why\nabsent==1.0\n")
    versions = {"torch": "2.15.0+cu130", "numpy": "2.4.6"}
    monkeypatch.setattr(packages, "installed", versions.get)
    assert states(packages.check(Circumstances())) == [State.OK]
    versions["numpy"] = "2.4.7"
    (found,) = packages.check(Circumstances())
    assert found.state == State.WRONG
    assert "numpy 2.4.7 (wanted ==2.4.6)" in found.says
    assert "make setup" in found.way_out


def test_without_a_checkout_the_packages_own_metadata_count(empty: Path) -> None:
    (found,) = packages.check(Circumstances())
    assert found.state == State.OK
    assert "the metadata of ganlib" in found.says


def test_a_driver_that_is_too_old_is_named(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 11040).")

    monkeypatch.setattr(torch, "zeros", refuse)
    monkeypatch.setattr(torch.version, "cuda", "13.2")
    monkeypatch.setattr(shutil, "which", {"nvidia-smi": "/usr/bin/nvidia-smi"}.get)
    (found,) = device.check(Circumstances())
    assert found.state == State.WRONG
    assert "is too old (found version 11040)" in found.says
    assert "Update the driver" in found.way_out
    monkeypatch.setattr(torch.version, "cuda", None)
    (found,) = device.check(Circumstances())
    assert "built without CUDA" in found.says


def test_a_device_that_is_wanted_and_not_there_is_wrong(empty: Path) -> None:
    Path("params.yaml").write_text("device: cuda:77\n")
    found = list(doctor.examine(Circumstances(), {"device": device.check}))
    assert found[-1].state == State.WRONG
    assert "cuda:77" in found[-1].says


def test_settings_that_cannot_be_are_told_in_their_own_sentence(empty: Path) -> None:
    Path("params.yaml").write_text("evaluate:\n  extractor: clipp\n")
    (found,) = doctor.examine(Circumstances(), {"settings": project.check})
    assert found.state == State.WRONG
    assert "choose one of" in found.says


def test_a_promotion_that_could_never_be_judged_is_told_of(empty: Path) -> None:
    Path("params.yaml").write_text("evaluate:\n  extractor: random\n  leave_out: [memorisation, two_sample]\n")
    *fine, found = doctor.examine(Circumstances(), {"settings": project.check})
    assert states(fine) == [State.OK, State.OK]
    assert found.state == State.WRONG
    assert found.says.startswith("evaluate.leave_out leaves out memorisation, which a promotion is judged by; ")


def test_weights_that_would_have_to_be_fetched_are_told_of_before(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(empty / "none"))
    Path("params.yaml").write_text("evaluate:\n  extractor: inception\n")
    valid, weights = project.check(Circumstances())
    assert (valid.state, weights.state) == (State.OK, State.WRONG)
    assert "fetches them from http" in weights.says
    Path("params.yaml").write_text("evaluate:\n  extractor: random\n")
    assert states(project.check(Circumstances())) == [State.OK, State.OK]


@pytest.mark.timeout(60)
def test_servers_that_are_away_cost_seconds_and_are_told_of(
    empty: Path, monkeypatch: pytest.MonkeyPatch, silent_server: str
) -> None:
    assert store.ANSWER_SECONDS + address.ANSWER_SECONDS <= 10
    monkeypatch.setattr(store, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(address, "ANSWER_SECONDS", 0.5)
    for away in (f"http://127.0.0.1:{free_port()}", silent_server):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", away)
        monkeypatch.setenv("PREFECT_API_URL", f"{away}/api")
        began = time.monotonic()
        found = list(doctor.examine(Circumstances(), {"MLflow": stores.check_mlflow, "Prefect": stores.check_prefect}))
        assert time.monotonic() - began < 5
        assert [(each.group, each.state) for each in found] == [("MLflow", State.WRONG), ("Prefect", State.WRONG)]
        assert all("does not answer" in each.says for each in found)


def test_a_password_is_not_shown(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = f"http://me:hush@127.0.0.1:{free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", secret)
    monkeypatch.setenv("PREFECT_API_URL", secret)
    found = list(doctor.examine(Circumstances(), {"MLflow": stores.check_mlflow, "Prefect": stores.check_prefect}))
    assert "hush" not in repr(found)
    assert repr(found).count("me:***@127.0.0.1") == 2


def test_a_run_whose_process_is_gone_is_told_of_and_marked(project: Project, gone: int) -> None:
    Path("params.yaml").write_text("publish:\n  experiment: e\n")
    with tracking.opened() as opened:
        owner = {**runs.this_process(), runs.PID: str(gone)}
        run = opened.client.create_run(opened.experiment("e"), tags=owner, run_name="lost")
    answers, lost = stores.check_mlflow(Circumstances())
    assert (answers.state, lost.state) == (State.OK, State.MENDABLE)
    assert "run lost says RUNNING" in lost.says
    assert states(stores.check_mlflow(Circumstances(fix=True))) == [State.OK, State.MENDED]
    with tracking.opened() as opened:
        assert opened.client.get_run(run.info.run_id).info.status == "KILLED"
    assert states(stores.check_mlflow(Circumstances(fix=True))) == [State.OK]


def test_dvc_wants_a_project_and_says_where_outputs_are(empty: Path) -> None:
    assert states(stores.check_dvc(Circumstances())) == [State.WRONG]
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text(
        "[core]\n    remote = r\n[cache]\n    dir = /somewhere\n['remote \"r\"']\n    url = /x\n"
    )
    (found,) = stores.check_dvc(Circumstances())
    assert found.says == "cache /somewhere, remote r"


def test_a_full_disk_and_a_folder_that_refuses_are_wrong(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(space.check(Circumstances())) == [State.OK]
    usage = shutil.disk_usage(empty)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000_000))
    monkeypatch.setattr(space, "places", lambda: {"the project": empty, "checkpoints": empty / "not" / "yet"})
    (full,) = space.check(Circumstances())
    assert (full.state, full.says) == (State.WRONG, "only 1.0 GB free for the project, checkpoints.")
    monkeypatch.setattr(space, "why_unwritable", lambda folder: f"no entry to {folder}")
    refused, *_ = space.check(Circumstances())
    assert f"no entry to {empty}" in refused.says
    assert space.why_unwritable(Path("/proc")) is not None


def test_only_what_a_dead_process_left_long_ago_is_removed(empty: Path, gone: int) -> None:
    folder = Path("models") / f".gan.{gone}.partial"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_bytes(b"1" * 2000)
    Path(".ganlib/features").mkdir(parents=True)
    dead = [folder, Path(f".ganlib/features/.x.{gone}.earlier"), Path(f".ganlib/mlflow.db.{gone}.partial-wal"),
            Path(f".params.yaml.{gone}.partial"), Path(".ganlib/samples-abc")]  # fmt: skip
    living = [Path(f"models/.gan.{os.getpid()}.partial"), Path("models/gan.5.partial.txt"), Path(".ganlib/mlflow.db"),
              Path("params.yaml"), Path(f".ganlib/.young.{gone}.partial"), Path(".ganlib/samples-young")]  # fmt: skip
    for place in [*dead[1:], *living]:
        place.write_text("")
    for place in [*dead, *living]:
        aged(place, 2 * leftovers.DAY_SECONDS if place.name == "samples-abc" else AN_HOUR)
    for young in living[-2:-1]:
        os.utime(young)
    found = list(leftovers.check(Circumstances()))
    assert [each.state for each in found] == [State.MENDABLE] * 5
    assert any("2.0 kB" in each.says for each in found)
    assert all(place.exists() for place in [*dead, *living])
    assert states(leftovers.check(Circumstances(fix=True))) == [State.MENDED] * 5
    assert not any(place.exists() for place in dead)
    assert all(place.exists() for place in living)
    assert [each.says for each in leftovers.check(Circumstances())] == ["none"]


def test_a_lock_that_somebody_holds_is_told_of(empty: Path) -> None:
    Path(".ganlib").mkdir()
    Path(".ganlib/free.lock").touch()
    lock = leftovers.FileLock(Path(".ganlib/taken.lock"))
    with lock:
        (found,) = leftovers.check(Circumstances())
    assert "taken.lock is held" in found.says


def test_what_a_killed_retraining_left_is_told_of_and_ended(
    empty: Path, gone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "SAVING_SECONDS", 0.5)
    state = worktree.state_folder(empty)
    state.mkdir(parents=True)
    holder = turns.Holder("id", "brave-owl", gone, 1.0)
    (state / "holder.json").write_text(json.dumps(dataclasses.asdict(holder)))
    environment = {**os.environ, turns.MARK: str(state), turns.MAKER: f"{gone} 1.0"}
    sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(sleeping, env=environment) as left:
        killed, running = leftovers.check(Circumstances())
        assert killed.says.startswith(f"the retraining brave-owl (process {gone}) was killed at work; ")
        assert (running.state, str(left.pid) in running.says) == (State.MENDABLE, True)
        assert left.poll() is None
        _, ended = leftovers.check(Circumstances(fix=True))
        assert ended.state == State.MENDED
        left.wait(5)


def checkpoint(key: str) -> Path:
    folder = paths.checkpoints() / key
    folder.mkdir(parents=True)
    (folder / "000000003000.safetensors").write_bytes(b"1" * 1000)
    return aged(folder)


def test_checkpoints_go_only_where_the_training_has_ended_and_its_generator_is_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_save", lambda folder, *_: folder.mkdir())
    publish(project)
    registry.sync(project.settings)
    registered = project.lineage.key
    other = project.train_again(seed=1)
    registry.sync(other.settings)
    here = other.lineage.key
    with tracking.opened() as opened:
        experiment = opened.experiment("e")
        ends = [("running", "RUNNING"), ("killed", "KILLED"), ("twice", "FINISHED"), ("twice", "RUNNING")]
        for key, status in [*ends, ("lost", "FINISHED")]:
            run = opened.client.create_run(experiment, tags={runs.KEY: key})
            opened.client.update_run(run.info.run_id, status=status)
        for key in ("running", "killed", "twice", "unknown"):
            opened.client.create_model_version("pictures", source="file:///somewhere", tags={runs.KEY: key})
    folders = {key: checkpoint(key) for key in ("running", "killed", "lost", "twice", "unknown", registered, here)}
    assert states(kept.check_checkpoints(Circumstances())).count(State.MENDABLE) == 2
    os.utime(folders[here] / "000000003000.safetensors")
    found = list(kept.check_checkpoints(Circumstances(fix=True)))
    assert [each.state for each in found] == [State.MENDED, State.OK]
    assert found[1].says.startswith("6.0 kB in 6 that stay")
    assert {key for key, folder in folders.items() if not folder.exists()} == {registered}
    aged(folders[here])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    (away,) = kept.check_checkpoints(Circumstances(fix=True))
    assert "MLflow is away" in away.says
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert State.MENDED in states(kept.check_checkpoints(Circumstances(fix=True)))
    assert {key for key, folder in folders.items() if not folder.exists()} == {registered, here}


def test_caches_are_told_with_their_sizes(empty: Path) -> None:
    assert [each.says for each in kept.check_caches(Circumstances())] == ["none"]
    Path(".ganlib/scores").mkdir(parents=True)
    Path(".ganlib/scores/a.json").write_bytes(b"1" * 1_000_000)
    (found,) = kept.check_caches(Circumstances())
    assert found.says.startswith("scores 1.0 MB in ")


@pytest.mark.parametrize(("worst", "code"), [(State.OK, 0), (State.MENDABLE, 0), (State.MENDED, 0), (State.WRONG, 1)])
def test_the_exit_code_says_whether_a_person_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], worst: State, code: int
) -> None:
    found = [Finding("a", State.OK, "fine"), Finding("b", worst, "something.", "the way out")]
    monkeypatch.setattr(doctor, "examine", lambda _: iter(found))
    assert command.show(fix=False, as_json=False) == code
    said = capsys.readouterr().out
    assert "the way out" in said
    assert ("All is well" in said) == (code == 0)
    assert ("doctor --fix" in said) == (worst == State.MENDABLE)
    assert command.show(fix=False, as_json=True) == code
    told = json.loads(capsys.readouterr().out)
    assert told["well"] == (code == 0)
    assert told["findings"][1] == {"group": "b", "state": worst.value, "says": "something.", "way_out": "the way out"}


def test_a_mistake_on_the_command_line_is_exit_code_2() -> None:
    code = "from pipelines.cli import app; app(['doctor', '--fxi'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--fxi" in done.stderr
