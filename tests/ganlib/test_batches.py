"""Where a batch comes from changes no bit of it, and no thread outlives its training."""

import gc
import itertools
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from ganlib import batches, components
from ganlib.batches import RealImages
from ganlib.bundle import Description
from ganlib.checkpoint import CheckpointFolder
from ganlib.game import new_game
from ganlib.losses import GanLoss
from ganlib.penalties import Penalty
from ganlib.prepared import Split
from ganlib.randomness import Purpose
from ganlib.rules import Rules
from ganlib.settings import TrainSettings
from ganlib.training import train

CPU = torch.device("cpu")
D, G = Purpose.DISCRIMINATOR_REALS, Purpose.GENERATOR_REALS
N = 23


@pytest.fixture(params=["pictures", "points"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Split:
    """On disk, as prepare leaves it."""
    random = np.random.default_rng(0)
    if request.param == "pictures":
        np.save(tmp_path / "images.npy", random.integers(0, 256, (N, 1, 4, 4), dtype=np.uint8))
    else:
        np.save(tmp_path / "images.npy", random.normal(size=(N, 2, 1, 1)).astype(np.float32))
    return Split(np.load(tmp_path / "images.npy", mmap_mode="r"), np.arange(N, dtype=np.int64) % 3)


def reals(data: Split, *, ahead: bool, conditional: bool = True) -> RealImages:
    return RealImages(data, seed=5, conditional=conditional, device=CPU, cache_bytes=0 if ahead else 10**9)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ganlib-batches")]


STEADY = [(purpose, 8 * k, 8) for k in range(12) for purpose in (D, G)]
SEVERAL_STEPS = [call for k in range(8) for call in ((D, 12 * k, 6), (D, 12 * k + 6, 6), (G, 12 * k + 12, 6))]
ROLLED_BACK = [*STEADY[:10], *STEADY[4:14]]
UNFORESEEABLE = [(D, start, count) for start, count in ((0, 3), (50, 4), (50, 4), (7, 30), (8, 1), (9, 1), (10, 1))]


@pytest.mark.parametrize("calls", [STEADY, SEVERAL_STEPS, ROLLED_BACK, UNFORESEEABLE])
def test_batches_are_the_same_bit_for_bit_with_and_without_reading_ahead(
    data: Split, calls: list[tuple[Purpose, int, int]]
) -> None:
    with reals(data, ahead=True) as ahead, reals(data, ahead=False) as direct:
        # Kept to the end: a batch must not change once it was handed out.
        got = [ahead.batch(*call) for call in calls]
        expected = [direct.batch(*call) for call in calls]
    for (pixels, labels), (expected_pixels, expected_labels) in zip(got, expected, strict=True):
        assert labels is not None
        assert expected_labels is not None
        assert torch.equal(pixels, expected_pixels)
        assert torch.equal(labels, expected_labels)


def gathered_by_thread(monkeypatch: pytest.MonkeyPatch) -> list[batches.Request]:
    """Notes what the thread was asked for."""
    requests: list[batches.Request] = []
    honest = batches.gather

    def gather(pixels: object, seed: int, request: batches.Request, landing: None) -> object:
        requests.append(request)
        return honest(pixels, seed, request, landing)  # type: ignore[arg-type]

    monkeypatch.setattr(batches, "gather", gather)
    return requests


@pytest.mark.parametrize(("calls", "foreseen"), [(STEADY, 22), (SEVERAL_STEPS, 21)])
def test_steps_of_a_training_are_foreseen(
    data: Split, monkeypatch: pytest.MonkeyPatch, calls: list[tuple[Purpose, int, int]], foreseen: int
) -> None:
    """All but the first of each player, and, where D makes several steps, the generator's second."""
    requests = gathered_by_thread(monkeypatch)
    with reals(data, ahead=True) as ahead:
        for call in calls:
            ahead.batch(*call)
    asked = {batches.Request(*call) for call in calls}
    assert len(asked & set(requests)) == foreseen


def test_small_data_need_no_thread_and_large_data_one(data: Split) -> None:
    with reals(data, ahead=False) as direct:
        direct.batch(D, 0, 4)
        assert not threads()
    with reals(data, ahead=True) as ahead:
        ahead.batch(D, 0, 4)
        ahead.batch(G, 0, 4)
        assert len(threads()) == 1
    assert not threads()


def test_a_loader_that_nobody_holds_ends_its_thread(data: Split) -> None:
    ahead = reals(data, ahead=True)
    ahead.batch(D, 0, 4)
    (thread,) = (thread for thread in threading.enumerate() if thread.name.startswith("ganlib-batches"))
    del ahead
    gc.collect()
    thread.join(timeout=10)
    assert not threads()


def test_what_goes_wrong_in_the_thread_is_raised_where_the_batch_is_taken(
    data: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gather(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(batches, "gather", gather)
    with reals(data, ahead=True) as ahead:
        ahead.batch(D, 0, 4)
        with pytest.raises(OSError, match="the disk is gone"):
            ahead.batch(D, 4, 4)
    assert not threads()


def test_unlabelled_players_get_no_labels_either_way(data: Split) -> None:
    for ahead in (True, False):
        with reals(data, ahead=ahead, conditional=False) as loader:
            assert loader.batch(D, 0, 4)[1] is None
            assert loader.batch(D, 4, 4)[1] is None


class RecordingLanding(batches.Landing):
    """Stands in for page-locked memory and the copy from it: the copy ends when the stream is waited for."""

    log: list[tuple[str, int]] = []  # noqa: RUF012 - shared on purpose, emptied by the test

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        self.pixels = torch.empty(shape, dtype=dtype)
        self.in_flight: list[torch.Tensor] = []

    def fill(self, pixels: np.ndarray, rows: np.ndarray) -> None:
        for there in self.in_flight:  # what `copied.synchronize()` waits for
            there.copy_(self.pixels)
        self.in_flight.clear()
        np.take(pixels, rows, axis=0, out=self.pixels.numpy(), mode="clip")
        self.log.append(("fill", id(self)))

    def send(self, device: torch.device) -> torch.Tensor:
        there = torch.full_like(self.pixels, 77)
        self.in_flight.append(there)
        self.log.append(("send", id(self)))
        return there


def test_page_locked_memory_is_filled_in_turn_and_never_before_its_copy_has_ended(
    data: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the copies as late as they can be: only the wait before the next filling lets them happen."""
    monkeypatch.setattr(batches, "Landing", RecordingLanding)
    RecordingLanding.log.clear()
    ahead = batches.Ahead(data.pixels, 5, torch.device("cuda"))
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, device: tensor)  # there is no such device here
    calls = [batches.Request(D, 4 * k, 4) for k in range(9)]
    taken = [ahead.take(request) for request in calls]
    ahead.close()
    landings = ahead.lanes[D].landings
    assert len(landings) == 2
    for landing in landings:
        landing.fill(data.pixels, np.zeros(4, dtype=np.int64))
    for rows, pixels in taken:
        assert np.array_equal(pixels.numpy(), data.pixels[rows])
    sent = [number for what, number in RecordingLanding.log if what == "send"]
    assert len(sent) == 8
    assert all(one != other for one, other in itertools.pairwise(sent))


SETTINGS = TrainSettings(
    kimg=0.08, batch_size=8, log_every_kimg=0.016, checkpoint_every_kimg=0.04, grid_every_kimg=0.04,
    ema_half_life_kimg=0.02, device_cache_gb=0.0,
)  # fmt: skip


def rules(settings: TrainSettings = SETTINGS) -> Rules:
    return Rules(
        components.build(GanLoss, "relativistic", {}, section="loss"),
        components.build(Penalty, "r1_r2", {"gamma": 0.1}, section="penalty"),
        settings,
    )


def described(data: Split) -> Description:
    channels, height, width = data.pixels.shape[1:]
    kind = "points" if data.pixels.dtype == np.float32 else "pictures"
    return Description("mlp", {"width": 1}, (channels, height, width), 3, "normal", ("a", "b", "c"), 0, (8, 8, 7), kind)


def test_a_training_is_the_same_bit_for_bit_with_and_without_reading_ahead(data: Split, tmp_path: Path) -> None:
    weights = []
    for name, cache in (("a", 0.0), ("b", 4.0)):
        by = rules(TrainSettings(**{**vars(SETTINGS), "device_cache_gb": cache}))
        game = new_game(described(data), by.settings, CPU)
        for _ in train(game, by, data, checkpoints=CheckpointFolder(tmp_path / name)):
            pass
        weights.append(game.snapshot())
    assert weights[0].values == weights[1].values
    for key, tensor in weights[0].tensors.items():
        assert torch.equal(tensor, weights[1].tensors[key]), key
    assert not threads(), "and the thread ended with it"


@pytest.mark.parametrize("how", ["closed", "raised", "stopped"])
def test_no_thread_is_left_however_a_training_ends(
    data: Split, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    game = new_game(described(data), SETTINGS, CPU)
    rounds = iter(range(4))
    stop = (lambda: next(rounds, None) is None) if how == "stopped" else (lambda: False)
    played = train(game, rules(), data, checkpoints=CheckpointFolder(tmp_path), stop=stop)
    next(played)
    assert len(threads()) == 1
    if how == "closed":
        played.close()
    elif how == "stopped":
        list(played)
    else:
        monkeypatch.setattr("ganlib.training.generator_step", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            list(played)
    assert not threads()


def test_a_resumed_training_that_reads_ahead_equals_an_undisturbed_one(data: Split, tmp_path: Path) -> None:
    def play(folder: Path, rounds: int) -> dict[str, torch.Tensor]:
        game = new_game(described(data), SETTINGS, CPU)
        left = iter(range(rounds))
        for _ in train(
            game, rules(), data, checkpoints=CheckpointFolder(folder), stop=lambda: next(left, None) is None
        ):
            pass
        return dict(game.snapshot().tensors)

    undisturbed = play(tmp_path / "a", 1000)
    play(tmp_path / "b", 3)
    resumed = play(tmp_path / "b", 1000)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in undisturbed.items())


def test_a_device_without_room_for_the_cache_is_one_sentence(data: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "empty", full)
    from ganlib.errors import UserError

    with pytest.raises(UserError, match=r"lower train\.device_cache_gb"):
        batches._uploaded(data.pixels, CPU)


def test_what_is_uploaded_in_pieces_is_the_whole(data: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "UPLOADED_AT_ONCE", 5 * data.pixels[:1].nbytes)
    assert np.array_equal(batches._uploaded(data.pixels, CPU).numpy(), data.pixels)
