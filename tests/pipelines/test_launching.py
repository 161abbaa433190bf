"""Laws of a job of several processes: it starts, speaks, stops and ends as one would, and leaves none behind."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from job_scripts import BARE, STAGE, ended, family, start

from pipelines import launching


def test_a_job_that_ends_well_gives_0_and_speaks_with_the_voice_of_the_first(tmp_path: Path) -> None:
    body = """
import socket
names = ("RANK", "LOCAL_RANK", "WORLD_SIZE")
print(*(os.environ[name] for name in names))
print("noted by", rank, file=sys.stderr)
place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
if rank == 0:
    print("they meet at", place[0], socket.socket(fileno=int(os.environ["GANLIB_MEETING"])).accept()[0].recv(9))
else:
    socket.create_connection(place).sendall(b"hello")
"""
    assert ended(start(tmp_path, BARE + body)) == (0, "0 0 2\nthey meet at 127.0.0.1 b'hello'\n", "noted by 0\n")


def test_cores_are_shared_where_the_user_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(7)), raising=False)
    assert launching.environment(0, 2, meeting_port=1)["OMP_NUM_THREADS"] == "3"
    assert launching.environment(0, 9, meeting_port=1)["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert launching.environment(0, 2, meeting_port=1)["OMP_NUM_THREADS"] == "5"


def test_a_mistake_that_all_make_is_one_sentence(tmp_path: Path) -> None:
    body = """
def run(_):
    both_are_ready()
    time.sleep(0.2 * (rank == 0))
    raise UserError("train.lr is 0; raise it.")
stage.main(run)
"""
    assert ended(start(tmp_path, STAGE + body)) == (2, "", "error: train.lr is 0; raise it.\n")


def test_a_mistake_of_one_is_told_with_its_rank_and_what_the_others_lose_is_not(tmp_path: Path) -> None:
    body = """
@launching.member()
def run(_):
    both_are_ready()
    if rank == 1:
        sys.stderr.write("  0%| |\\r 50%|# |\\r")
        raise UserError("the disk of process 1 is full; free some space.")
    time.sleep(0.2)
    raise PeerLost("Process 1 ended.")
stage.main(run)
"""
    assert ended(start(tmp_path, STAGE + body)) == (
        2,
        "",
        "process 1: error: the disk of process 1 is full; free some space.\n",
    )


def test_the_reason_is_told_even_where_the_loss_is_noticed_first(tmp_path: Path) -> None:
    body = """
@launching.member()
def run(_):
    both_are_ready()
    if rank == 0:
        raise PeerLost("Process 1 ended.")
    time.sleep(0.3)
    raise UserError("too late.")
stage.main(run)
"""
    assert ended(start(tmp_path, STAGE + body)) == (2, "", "process 1: error: too late.\n")


def test_a_mistake_while_saving_counts_more_than_the_others_good_order(tmp_path: Path) -> None:
    body = """
def run(_):
    both_are_ready()
    if rank == 1:
        raise stage.Resumable("Everything is saved.")
    time.sleep(0.5)
    raise UserError("the disk is full; free some space.")
stage.main(run)
"""
    assert ended(start(tmp_path, STAGE + body)) == (2, "", "error: the disk is full; free some space.\n")


def test_what_the_first_says_when_it_is_asked_to_end_is_not_taken_for_the_reason(tmp_path: Path) -> None:
    body = """
def run(_):
    both_are_ready()
    if rank == 1:
        raise UserError("this is why.")
    try:
        time.sleep(60)
    finally:
        raise UserError("this is not.")
stage.main(run)
"""
    said = "error: this is not.\nprocess 1: error: this is why.\n"
    assert ended(start(tmp_path, STAGE + body)) == (2, "", said)


def test_a_loss_without_a_reason_ends_the_others_and_says_what_to_do(tmp_path: Path) -> None:
    body = """
@launching.member()
def run(_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    both_are_ready()
    if rank == 0:
        raise PeerLost("Process 1 does not answer.")
    time.sleep(60)
stage.main(run)
"""
    code, _, said = ended(start(tmp_path, STAGE + body))
    assert (code, said) == (1, f"Process 0 of 2 lost the others, which did not say why; {launching.GOES_ON}\n")


def test_a_bug_of_one_keeps_its_traceback(tmp_path: Path) -> None:
    code, _, said = ended(start(tmp_path, STAGE + "stage.main(lambda _: time.sleep(60) if rank == 0 else 1 / 0)"))
    assert code == 1
    assert "process 1: ZeroDivisionError: division by zero\n" in said


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_job_and_is_told_in_one_sentence(tmp_path: Path, rank: int) -> None:
    job = start(tmp_path, BARE + "signal.signal(signal.SIGTERM, signal.SIG_IGN); ready(); time.sleep(60)")
    processes = family(job, tmp_path)
    processes[rank].kill()
    code, _, said = ended(job)
    assert (code, said) == (1, f"Process {rank} of 2 was killed by signal 9; {launching.GOES_ON}\n")
    assert psutil.wait_procs(processes, timeout=5)[1] == []


def test_nobody_outlives_a_killed_parent(tmp_path: Path) -> None:
    body = """
import subprocess
from pipelines import launching
with launching.member():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    ready()
    time.sleep(60)
"""
    job = start(tmp_path, BARE + body)
    processes = family(job, tmp_path)
    processes += [each for process in processes for each in process.children()]
    assert len(processes) == 4
    job.kill()
    ended(job)
    assert psutil.wait_procs(processes, timeout=10)[1] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_saves_in_all_and_can_go_on(tmp_path: Path, number: signal.Signals) -> None:
    job = start(tmp_path, STAGE + "stage.main(saves_when_stopped)")
    family(job, tmp_path)
    job.send_signal(number)
    assert ended(job) == (75, "", "Everything is saved. Run the same command again to go on.\n")
    assert sorted(path.name for path in tmp_path.glob("saved*")) == ["saved0", "saved1"]


def test_a_process_that_stops_alone_is_followed_by_the_others_which_have_time_to_save(tmp_path: Path) -> None:
    job = start(tmp_path, STAGE + "stage.main(saves_when_stopped)")
    family(job, tmp_path)[1].terminate()
    assert ended(job) == (75, "", "Everything is saved. Run the same command again to go on.\n")
    assert sorted(path.name for path in tmp_path.glob("saved*")) == ["saved0", "saved1"]


def test_another_kind_of_signal_changes_nothing_and_the_same_again_does_not_wait(tmp_path: Path) -> None:
    body = """
def run(_):
    with stage.stop_signals():
        ready()
        time.sleep(60)
stage.main(run)
"""
    job = start(tmp_path, STAGE + body)
    family(job, tmp_path)
    for number in (signal.SIGTERM, signal.SIGINT):
        job.send_signal(number)
        time.sleep(0.3)
    assert job.poll() is None
    job.send_signal(signal.SIGTERM)
    assert ended(job) == (75, "", f"{launching.STOPPED}\n")


def test_a_stop_before_the_work_has_begun_is_one_sentence(tmp_path: Path) -> None:
    job = start(tmp_path, BARE + "ready(); time.sleep(60)")
    family(job, tmp_path)
    job.terminate()
    assert ended(job) == (75, "", f"{launching.STOPPED}\n")


def test_a_process_that_was_not_started_from_here_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", launching.LIFELINE):
        monkeypatch.delenv(name, raising=False)
    assert not launching.under_a_launcher()
    assert not launching.end_with_parent()
    with pytest.raises(launching.PeerLost), launching.member():
        raise launching.PeerLost("Process 1 ended.")
