"""How a stage ends: 0, 2 with one sentence, 75 where it can go on, 1 with a traceback for a bug."""

import errno
import os
import signal
import time
from collections.abc import Iterator

import pytest

from ganlib.errors import UserError
from ganlib.settings import Settings
from pipelines import stage


@pytest.fixture(autouse=True)
def default_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(stage.params, "load", Settings)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


def ending(error: BaseException | None) -> int:
    def run(_: Settings) -> None:
        if error is not None:
            raise error

    with pytest.raises(SystemExit) as exit_:
        stage.main(run)
    return int(exit_.value.code or 0)


def test_a_stage_that_ends_well_says_how_long_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(None) == 0
    assert "s to start" in capsys.readouterr().err


def test_a_mistake_is_its_sentence_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(UserError("data.path is empty; set it.")) == 2
    assert capsys.readouterr().err == "error: data.path is empty; set it.\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENOTDIR])
def test_a_disk_that_does_not_take_it_is_a_sentence(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(OSError(number, os.strerror(number), "models/gan")) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: models/gan cannot be written: ")
    assert said.count("\n") == 1


def test_a_stop_that_can_go_on_has_a_code_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(stage.Resumable("Stopped at 5 of 9 images; everything is saved.")) == 75
    assert "Run the same command again" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stage_without_a_clean_stop_of_its_own_unwinds_at_a_signal(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    unwound = []

    def run(_: Settings) -> None:
        try:
            os.kill(os.getpid(), number)
            time.sleep(60)
        finally:
            unwound.append(True)

    with pytest.raises(SystemExit) as exit_:
        stage.main(run)
    assert (exit_.value.code, unwound) == (75, [True])
    assert capsys.readouterr().err.startswith("Stopped; earlier outputs stay as they were.")


def test_a_bug_keeps_its_traceback() -> None:
    def run(_: Settings) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage.main(run)


def test_signals_ask_before_they_end_and_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stage.stop_signals() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
    assert signal.getsignal(signal.SIGTERM) is before
