"""Prefect's server dies and comes back: what is at work goes on, and holds no slot afterwards."""

import time
from pathlib import Path

import pytest
from flow_support import Project, Server
from test_unattended import WORK, hold, said, start, state_of, until

LEASES = {"PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem"}
"""As docs/operations.md has it."""


@pytest.fixture
def own(tmp_path: Path) -> Server:
    """Not running yet."""
    return Server.in_home(tmp_path / "prefect")


@pytest.mark.prove
@pytest.mark.parametrize("away_seconds", [0, 120])
def test_a_retraining_outlives_its_server(committed: Project, own: Server, away_seconds: float) -> None:
    committed.script("first", WORK.format(name="first"))
    committed.commit("work")
    with own.at_work(**LEASES):
        process = start(committed, own.environment, "restarted")
        committed.inside.wait_for("pid.txt")
    (committed.inside.folder / "go.txt").touch()
    time.sleep(away_seconds)
    with own.at_work(**LEASES):
        assert process.wait(240) == 0, said(committed, "restarted")
        assert state_of(own, "restarted")[0] == "COMPLETED", said(committed, "restarted")
        assert committed.inside.ran() == ["middle", "last"]


@pytest.mark.prove
@pytest.mark.parametrize("ends_meanwhile", [False, True])
def test_a_slot_is_free_after_its_holder_and_its_server_were_gone(
    own: Server, tmp_path: Path, ends_meanwhile: bool
) -> None:
    with own.at_work(**LEASES):
        own.post("v2/concurrency_limits/", name="gpu", limit=1)
        first = hold(own, "gpu", tmp_path / "first", 8)
        until((tmp_path / "first").exists)
    if ends_meanwhile:
        assert first.wait(120) == 0
    with own.at_work(**LEASES):
        assert first.wait(120) == 0
        assert hold(own, "gpu", tmp_path / "second", 0).wait(240) == 0
    assert float((tmp_path / "second").read_text()) > float((tmp_path / "first.end").read_text())
