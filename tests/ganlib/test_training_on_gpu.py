"""The game on a CUDA device: the same rules, the same pictures, and a resume that goes on."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from ganlib import components, device, training
from ganlib.augmentations import Augmentation
from ganlib.batches import RealImages
from ganlib.bundle import Description
from ganlib.capture import Recorder
from ganlib.checkpoint import CheckpointFolder
from ganlib.distributed import Team
from ganlib.game import Game, new_game
from ganlib.losses import GanLoss
from ganlib.penalties import Penalty
from ganlib.prepared import Split
from ganlib.randomness import Purpose
from ganlib.rules import Rules
from ganlib.sampling import generate, sample_labels, sample_latents
from ganlib.settings import TrainSettings
from ganlib.training import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

DESCRIPTION = Description("dcgan", {"width": 8}, (1, 16, 16), 6, "normal", ("a", "b"), 0, (32, 32))
SETTINGS = TrainSettings(kimg=0.5, batch_size=16, log_every_kimg=0.1, checkpoint_every_kimg=0.2, precision="float32")


def pictures() -> Split:
    random = np.random.default_rng(0)
    return Split(random.integers(0, 256, (64, 1, 16, 16), dtype=np.uint8), np.arange(64, dtype=np.int64) % 2)


def play(
    on: str, folder: Path, *, precision: str = "float32", rounds: int | None = None, device_cache_gb: float = 4
) -> Game:
    settings = TrainSettings(**{**vars(SETTINGS), "precision": precision, "device_cache_gb": float(device_cache_gb)})
    rules = Rules(
        components.build(GanLoss, "relativistic", {}, section="loss"),
        components.build(Penalty, "r1_r2", {"gamma": 0.1}, section="penalty"),
        settings,
    )
    game = new_game(DESCRIPTION, settings, torch.device(on))
    left = iter(range(rounds)) if rounds is not None else None
    stop = (lambda: next(left, None) is None) if left is not None else (lambda: False)
    for _ in train(game, rules, pictures(), checkpoints=CheckpointFolder(folder), stop=stop):
        pass
    return game


def test_a_gpu_plays_the_game_that_a_cpu_plays(tmp_path: Path) -> None:
    on_gpu, on_cpu = play("cuda", tmp_path / "a"), play("cpu", tmp_path / "b")
    for mine, theirs in zip(on_gpu.history, on_cpu.history, strict=True):
        assert mine == pytest.approx(theirs, rel=0.02, abs=0.02)


def test_bfloat16_trains_to_finite_numbers(tmp_path: Path) -> None:
    game = play("cuda", tmp_path, precision="bfloat16")
    assert game.non_finite_tensor() is None
    assert all(np.isfinite(list(row.values())).all() for row in game.history)


def test_a_stopped_training_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = play("cuda", tmp_path / "a")
    play("cuda", tmp_path / "b", rounds=20)
    resumed = play("cuda", tmp_path / "b")
    assert resumed.images_seen == whole.images_seen
    for mine, theirs in zip(resumed.history, whole.history, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("augmentation", ["none", "ada"])
@pytest.mark.parametrize("network", ["mlp", "dcgan", "resnet", "r3"])
def test_a_replayed_step_is_the_played_one(network: str, augmentation: str) -> None:
    """Bit for bit where kernels are deterministic; 12 rounds, of which 9 are replayed."""
    weights = []
    for capture in (True, False):
        settings = TrainSettings(**{**vars(SETTINGS), "capture": capture, "deterministic": True})
        device.set_rounding(settings)
        by = Rules(
            components.build(GanLoss, "relativistic", {}, section="loss"),
            components.build(Penalty, "r1_r2", {"gamma": 0.1}, section="penalty"),
            settings,
            components.build(Augmentation, augmentation, {"p": 0.5}, section="augmentation"),
        )
        cuda = torch.device("cuda")
        game = new_game(dataclasses.replace(DESCRIPTION, network=network), settings, cuda)
        training.ready(game)
        reals = RealImages(pictures(), seed=0, conditional=True, device=cuda, cache_bytes=1 << 20)
        laid, _ = training.lay_table(game, by, reals, Team())
        for _ in range(12):
            training.play_round(laid)
        assert laid.recorder.why_not is None
        assert bool(laid.recorder.recorded) == capture
        weights.append(torch.cat([weight.flatten() for weight in game.generator.parameters()]))
    device.set_rounding(SETTINGS)
    assert torch.equal(*weights)


def test_where_kernels_are_deterministic_a_resumed_training_is_the_same_to_the_last_bit(tmp_path: Path) -> None:
    settings = TrainSettings(**{**vars(SETTINGS), "deterministic": True})
    device.set_rounding(settings)
    whole = play("cuda", tmp_path / "a")
    play("cuda", tmp_path / "b", rounds=20)
    resumed = play("cuda", tmp_path / "b")
    device.set_rounding(SETTINGS)
    for name, tensor in whole.snapshot().tensors.items():
        assert torch.equal(tensor, resumed.snapshot().tensors[name]), name


def test_what_cannot_be_recorded_is_played_and_said() -> None:
    recorder = Recorder(torch.device("cuda"))
    numbers = torch.ones(4, device="cuda")
    for _ in range(8):
        assert recorder.play("waits", lambda: float(numbers.sum())) == 4.0
    assert not recorder.wanted
    assert recorder.why_not is not None


def test_batches_gathered_on_the_device_are_those_read_from_the_map() -> None:
    there = RealImages(pictures(), seed=0, conditional=True, device=torch.device("cuda"), cache_bytes=1 << 20)
    here = RealImages(pictures(), seed=0, conditional=True, device=torch.device("cpu"), cache_bytes=1 << 20)
    images, labels = there.batch(Purpose.DISCRIMINATOR_REALS, 40, 48)
    expected, expected_labels = here.batch(Purpose.DISCRIMINATOR_REALS, 40, 48)
    assert labels is not None
    assert expected_labels is not None
    assert torch.equal(images.cpu(), expected)
    assert torch.equal(labels.cpu(), expected_labels)


def test_batches_read_ahead_are_those_gathered_on_the_device() -> None:
    """Many of them, asked for as fast as can be, and looked at late: a landing that is filled too soon would show."""
    cuda = torch.device("cuda")
    cached = RealImages(pictures(), seed=0, conditional=True, device=cuda, cache_bytes=1 << 20)
    with RealImages(pictures(), seed=0, conditional=True, device=cuda, cache_bytes=0) as ahead:
        for purpose in (Purpose.DISCRIMINATOR_REALS, Purpose.GENERATOR_REALS):
            busy = torch.randn(4096, 4096, device=cuda)
            for _ in range(20):
                busy = busy @ busy * 1e-3  # the copies below wait in the stream behind this
            batches = [ahead.batch(purpose, 16 * k, 16) for k in range(200)]
            for k, (images, labels) in enumerate(batches):
                expected, expected_labels = cached.batch(purpose, 16 * k, 16)
                assert labels is not None
                assert expected_labels is not None
                assert torch.equal(images, expected)
                assert torch.equal(labels, expected_labels)


def test_a_training_that_reads_ahead_is_one_that_does_not(tmp_path: Path) -> None:
    one = play("cuda", tmp_path / "a")
    other = play("cuda", tmp_path / "b", device_cache_gb=0)
    for mine, theirs in zip(one.history, other.history, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-3, abs=1e-3)


def test_an_image_is_the_same_at_any_batch_size() -> None:
    torch.manual_seed(0)
    generator = DESCRIPTION.family().generator(DESCRIPTION.fit).eval().cuda()
    latents = sample_latents(0, range(100), dim=6, distribution="normal")
    labels = sample_labels(0, range(100), DESCRIPTION.class_counts)
    whole = torch.cat(list(generate(generator, latents, labels, batch_size=100)))
    for batch_size in (1, 32, 64):
        assert torch.equal(torch.cat(list(generate(generator, latents, labels, batch_size=batch_size))), whole)
