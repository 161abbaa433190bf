"""Two processes are one: batches, gradients and batch statistics; and neither waits for one that is gone."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ganlib.distributed import MEETING, SynchronisedBatchNorm2d, Team, join, leave, synchronised
from ganlib.errors import UserError
from pipelines import launching

ROOT = Path(__file__).parents[2]


def free_ports(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What each of two processes saw, met once as `launching` has them meet and twice as torchrun does."""
    folder = tmp_path_factory.mktemp("team")
    command = [sys.executable, str(Path(__file__).with_name("team_checks.py")), str(folder)]
    common = {**os.environ, "PYTHONPATH": str(ROOT), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    with socket.create_server(("127.0.0.1", 0)) as meeting:
        command += [str(meeting.getsockname()[1]), *free_ports(2)]
        started = [
            subprocess.Popen(
                command,
                env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank), MEETING: str(meeting.fileno())},
                pass_fds=[meeting.fileno()] if rank == 0 else [],
                stderr=subprocess.STDOUT,
                stdout=subprocess.PIPE,
            )
            for rank in (0, 1)
        ]
    try:
        said = [process.communicate(timeout=120)[0].decode() for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert [process.returncode for process in started] == [0, -9], "\n".join(said)
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


@pytest.fixture(params=[0, 1], ids=["first", "second"])
def seen(request: pytest.FixtureRequest, facts: list[Any]) -> Any:
    return facts[request.param]


def test_each_process_knows_its_place_and_takes_its_own_rows(facts: list[Any]) -> None:
    assert [each["team"] for each in facts] == [[0, 2], [1, 2]]
    assert [each["agreement"]["share"] for each in facts] == [[0, 4], [4, 8]]


def test_who_starts_them_means_the_same_place_to_meet() -> None:
    assert launching.MEETING == MEETING


def test_the_average_is_the_mean_in_place_whatever_the_memory_format(seen: Any) -> None:
    assert seen["average"]["exact"]
    assert seen["average"]["in_place"]


def test_the_average_has_the_same_bits_everywhere(facts: list[Any]) -> None:
    assert facts[0]["average"]["digest"] == facts[1]["average"]["digest"]


def test_a_flag_raised_in_one_process_is_seen_by_all_at_the_same_call(seen: Any) -> None:
    assert seen["agreement"]["answers"] == [False, True, False, True, True, False]


@pytest.mark.parametrize("kind", ["plain", "without_weights", "cumulative", "forgetful", "one_value_each"])
def test_batch_normalisation_is_that_of_one_process_with_the_whole_batch(seen: Any, kind: str) -> None:
    differences = seen["batch_norm"][kind]
    assert set(differences) == {"output", "input_gradient", "weight_gradients", "state"}
    assert max(differences.values()) < 1e-10, differences


@pytest.mark.parametrize("network", ["dcgan", "resnet", "r3"])
def test_the_engine_s_gradients_are_those_of_one_process_at_the_same_global_batch(seen: Any, network: str) -> None:
    assert seen["engine"][network] < 1e-6


def test_a_training_of_two_processes_is_that_of_one_and_the_same_in_both(facts: list[Any]) -> None:
    first, second = (each["rounds"] for each in facts)
    assert first["digest"] == second["digest"], "not one bit may differ between processes"
    assert first["difference"] < 1e-3, "Adam turns rounding into steps"
    assert first["losses"] == second["losses"] == pytest.approx(first["losses_alone"], rel=1e-4)
    assert first["saved"], "the first process writes checkpoints"
    assert not second["saved"], "the others do not"


def test_batch_statistics_lose_nothing_far_from_zero(seen: Any) -> None:
    assert seen["small_numbers"]["float32"] < 1e-3
    assert seen["small_numbers"]["channels_last"]


def test_bfloat16_goes_in_and_out_of_it_with_statistics_in_float32(seen: Any) -> None:
    assert seen["small_numbers"]["dtypes"] == ["torch.bfloat16", "torch.bfloat16", "torch.float32"]


def test_a_gradient_penalty_through_it_is_refused_and_not_wrong(seen: Any) -> None:
    assert "differentiat" in seen["second_order"]["refused"]


def test_in_evaluation_one_process_works_alone(seen: Any) -> None:
    assert seen["evaluation_alone"] == {"difference": 0.0, "class": "SynchronisedBatchNorm2d"}


@pytest.mark.parametrize("networks", ["dcgan", "dcgan_2015", "resnet"])
def test_a_step_of_each_player_is_that_of_one_process_with_the_whole_batch(seen: Any, networks: str) -> None:
    differences = seen["games"][networks]
    assert set(differences) == {"discriminator", "generator", "buffers"}
    assert max(differences.values()) < 1e-10, differences


def test_a_process_that_is_gone_is_told_in_one_sentence_by_whoever_meets_it(facts: list[Any]) -> None:
    said = facts[0]["dead_peer"]["said"]
    assert len(said) == 3
    assert set(said) == {
        "Process 1 of the training's 2 ended, and process 0 cannot go on alone; its own words say why: mend that, "
        "and the same command goes on from the last checkpoint."
    }


def test_a_process_that_is_silent_is_not_waited_for_for_ever(facts: list[Any]) -> None:
    assert facts[0]["silent_peer"]["said"].startswith("Process 1 of the training's 2 did not answer process 0 for 1 s;")


def test_alone_everything_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    team = join("cpu")
    tensor, network = torch.ones(3), nn.Sequential(nn.BatchNorm2d(2))
    team.average_([tensor])
    team.barrier()
    leave(team)
    assert team == Team(rank=0, size=1)
    assert team.share(5) == slice(0, 5)
    assert (team.anyone(True), team.anyone(False)) == (True, False)
    assert tensor.tolist() == [1, 1, 1]
    assert type(synchronised(network, team)[0]) is nn.BatchNorm2d


def test_a_network_keeps_its_weights_and_their_names() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.BatchNorm2d(2), nn.BatchNorm2d(2, affine=False)))
    before, parameters = network.state_dict(), list(network.parameters())
    assert synchronised(network, Team(rank=0, size=2)) is network
    assert [type(module) for module in network[1]] == [SynchronisedBatchNorm2d] * 2
    assert list(network.state_dict()) == list(before)
    assert all(this is that for this, that in zip(network.parameters(), parameters, strict=True))


def test_a_normalisation_that_would_see_one_share_alone_is_refused() -> None:
    with pytest.raises(AssertionError, match="BatchNorm1d would see the share of one process alone"):
        synchronised(nn.Sequential(nn.BatchNorm1d(2)), Team(rank=0, size=2))


def test_rows_that_cannot_be_shared_equally_are_refused() -> None:
    with pytest.raises(AssertionError, match="9 rows are not shared equally by 2 processes"):
        Team(rank=0, size=2).share(9)


def of_two(monkeypatch: pytest.MonkeyPatch, *, port: str) -> None:
    names = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    for name, value in names.items():
        monkeypatch.setenv(name, value)


def test_more_processes_than_devices_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    of_two(monkeypatch, port="1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UserError, match=r"^Process 1 of 2 needs a CUDA device .* this machine has 1; lower train.proc"):
        join("cuda")


def test_a_process_that_meets_nobody_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    of_two(monkeypatch, port=port)
    with pytest.raises(UserError, match=rf"^Process 1 of 2 did not meet the others at 127\.0\.0\.1:{port} \(.*reach"):
        join("cpu", timeout_seconds=1.0)


def test_what_the_first_process_finds_in_a_generator_decides_in_all(facts: list[Any]) -> None:
    one, other = (each["scores"] for each in facts)
    assert one["scores"] == other["scores"] == [[16, 1 / 19], [32, 1 / 11], [40, 1 / 19]]
    assert one["best"] == other["best"]
    assert one["best"][0] == 16, "of equally good ones the first"
    assert (one["asked"], other["asked"]) == (9, 0)
