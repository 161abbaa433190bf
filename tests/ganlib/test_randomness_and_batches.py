"""Nothing random depends on history: not the streams, not the order of the pictures."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ganlib.batches import order
from ganlib.randomness import Purpose, stream


def test_a_stream_is_the_same_every_time_and_another_for_another_position_purpose_or_seed() -> None:
    def first(seed: int, purpose: Purpose, position: int) -> float:
        return float(stream(seed, purpose, position).random())

    assert first(0, Purpose.SAMPLE, 0) == first(0, Purpose.SAMPLE, 0)
    others = [first(1, Purpose.SAMPLE, 0), first(0, Purpose.INTERPOLATION, 0), first(0, Purpose.SAMPLE, 1)]
    assert len({first(0, Purpose.SAMPLE, 0), *others}) == 4


def test_the_numbers_of_the_purposes_never_change() -> None:
    assert {purpose.name: purpose.value for purpose in Purpose} == {
        "INITIAL_WEIGHTS": 1, "DISCRIMINATOR_REALS": 2, "GENERATOR_REALS": 3, "DISCRIMINATOR_LATENTS": 4,
        "GENERATOR_LATENTS": 5, "SAMPLE": 6, "INTERPOLATION": 7, "CLASSIFIER": 8, "SAMPLE_LABELS": 9, "POINTS": 10,
        "STACKED_DIGITS": 11, "DISCRIMINATOR_AUGMENTATION": 12, "GENERATOR_AUGMENTATION": 13, "MIXING": 14,
        "DIAGNOSTICS": 15, "TWO_SAMPLE": 16, "SELECTION": 17, "KID_INTERVAL": 18, "FID_INFINITY": 19,
    }  # fmt: skip


@given(n=st.integers(1, 40), start=st.integers(0, 100), count=st.integers(1, 100), cut=st.integers(0, 100))
def test_the_order_is_the_same_in_any_pieces(n: int, start: int, count: int, cut: int) -> None:
    cut = min(cut, count - 1)
    whole = order(0, Purpose.DISCRIMINATOR_REALS, n, start, count)
    parts = [order(0, Purpose.DISCRIMINATOR_REALS, n, start + cut, count - cut)]
    parts = [order(0, Purpose.DISCRIMINATOR_REALS, n, start, cut), *parts] if cut else parts
    assert np.array_equal(np.concatenate(parts), whole)


@given(n=st.integers(1, 50), epoch=st.integers(0, 5))
def test_every_epoch_shows_every_picture_once(n: int, epoch: int) -> None:
    assert sorted(order(0, Purpose.DISCRIMINATOR_REALS, n, epoch * n, n)) == list(range(n))
