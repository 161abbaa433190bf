"""Laws that every file of ganlib/augmentations keeps."""

from typing import Any

import pytest
import torch
from every_augmentation import AUGMENTATIONS, CHANGING, SHAPES, at, load, numbers_for, pictures

from ganlib.errors import UserError


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_at_p_zero_images_are_the_same_to_the_last_bit_and_so_is_the_gradient(
    name: str, dtype: torch.dtype, shape: tuple[int, int, int]
) -> None:
    augmentation = load(name)
    images = pictures(4, *shape, dtype=dtype).requires_grad_()
    numbers = numbers_for(augmentation, images)
    numbers[0] = 0.0  # which may be drawn, and is not below 0
    changed = augmentation(images, numbers, at(0.0))
    assert changed.dtype == dtype
    assert torch.equal(changed, images)
    gradient = pictures(4, *shape, seed=3, dtype=dtype)
    assert torch.equal(torch.autograd.grad(changed, images, gradient)[0], gradient)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_pictures_of_every_shape_keep_their_shape_and_stay_finite(name: str, shape: tuple[int, int, int]) -> None:
    augmentation = load(name)
    images = pictures(8, *shape, dtype=torch.float32)
    numbers = numbers_for(augmentation, images)
    for extreme in (numbers, torch.zeros_like(numbers), torch.full_like(numbers, 1 - 2.0**-24)):
        changed = augmentation(images, extreme, at(1.0))
        assert changed.shape == images.shape
        assert changed.isfinite().all()


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 6), (4, 5, 5)], ids=str)
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_derivatives_are_right_the_first_and_the_second(name: str, shape: tuple[int, int, int]) -> None:
    augmentation = load(name)
    images = pictures(2, *shape).requires_grad_()
    numbers = numbers_for(augmentation, images)

    def bent(images: torch.Tensor) -> torch.Tensor:
        # Affine maps have no second derivative of their own; what follows them has.
        return augmentation(images, numbers, at(1.0)).pow(3).sum(dim=(1, 2, 3))

    assert torch.autograd.gradcheck(bent, images, fast_mode=True)
    assert torch.autograd.gradgradcheck(bent, images, fast_mode=True)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_gradient_penalty_on_augmented_images_reaches_the_weights_and_is_right(name: str) -> None:
    augmentation = load(name)
    images = pictures(3, 3, 8, 8).requires_grad_()
    numbers = numbers_for(augmentation, images)
    weights = pictures(3, 8, 8, seed=5).requires_grad_()

    def penalty(weights: torch.Tensor) -> torch.Tensor:
        logits = (torch.tanh(augmentation(images, numbers, at(0.7))) * weights).sum()
        return torch.autograd.grad(logits, images, create_graph=True)[0].square().sum()

    assert torch.autograd.gradcheck(penalty, weights, fast_mode=True)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_mixture_of_images_becomes_the_mixture_of_what_they_become(name: str, shape: tuple[int, int, int]) -> None:
    augmentation = load(name)
    one, other = pictures(8, *shape), pictures(8, *shape, seed=3)
    numbers = numbers_for(augmentation, one)

    def change(images: torch.Tensor) -> torch.Tensor:
        return augmentation(images, numbers, at(0.6))

    for share in (0.3, 7.0):
        mixed = change(share * one + (1 - share) * other)
        torch.testing.assert_close(mixed, share * change(one) + (1 - share) * change(other), rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_image_is_changed_alone(name: str) -> None:
    augmentation = load(name)
    images, others = pictures(6, 3, 16, 16), pictures(6, 3, 16, 16, seed=3)
    numbers = numbers_for(augmentation, images)
    together = augmentation(images, numbers, at(0.8))
    others[2] = images[2]
    torch.testing.assert_close(augmentation(others, numbers, at(0.8))[2], together[2])
    torch.testing.assert_close(augmentation(images[2:3], numbers[2:3], at(0.8))[0], together[2])


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_numbers_alone_decide(name: str) -> None:
    augmentation = load(name)
    images = pictures(6, 3, 16, 16, dtype=torch.float32)
    numbers = numbers_for(augmentation, images)
    changed = augmentation(images, numbers, at(1.0))
    torch.manual_seed(99)
    assert torch.equal(augmentation(images, numbers, at(1.0)), changed)
    others = augmentation(images, numbers_for(augmentation, images, seed=3), at(1.0))
    same = [torch.equal(a, b) for a, b in zip(changed, others, strict=True)]
    assert all(same) if name == "none" else not any(same)


@pytest.mark.parametrize("name", CHANGING)
def test_every_number_that_is_asked_for_is_used(name: str) -> None:
    augmentation = load(name)
    images = pictures(1, 3, 8, 8, dtype=torch.float32)
    count = numbers_for(augmentation, images).shape[1]
    batch, one_by_one = images.expand(count, -1, -1, -1), torch.eye(count, dtype=torch.bool)
    used = torch.zeros(count, dtype=torch.bool)
    for seed in range(12):
        numbers = numbers_for(augmentation, images, seed=seed).expand(count, -1)
        others = torch.where(one_by_one, 0.95 - numbers, numbers).clamp(min=0)
        before, after = (augmentation(batch, drawn, at(0.5)) for drawn in (numbers, others))
        used |= (before != after).flatten(1).any(dim=1)
    assert used.all(), f"columns without effect: {used.logical_not().nonzero().flatten().tolist()}"


SINGLE_OPERATIONS: list[tuple[str, dict[str, Any], float]] = [
    ("diffaugment", {"color": False, "translation": False}, 1.0),
    ("ada", {"flips": False, "blit": 0, "geometric": 0, "color": 0, "filter": 0, "noise": 0}, 1.0),
    ("ada", {"flips": False, "blit": 0, "geometric": 0, "color": 0, "filter": 0, "cutout": 0}, 1.0),
    ("ada", {"blit": 0, "geometric": 0, "color": 0, "filter": 0, "noise": 0, "cutout": 0}, 0.5),
]


@pytest.mark.parametrize(("name", "options", "weight"), SINGLE_OPERATIONS)
def test_one_operation_alone_changes_a_share_p_of_the_images(name: str, options: dict[str, Any], weight: float) -> None:
    augmentation = load(name, **options)
    images = pictures(2000, 1, 8, 8)
    numbers = numbers_for(augmentation, images)
    changed_before = torch.zeros(2000, dtype=torch.bool)
    for p in (0.0, 0.2, 0.5, 0.9, 1.0):
        changed = (augmentation(images, numbers, at(p)) != images).flatten(1).any(dim=1)
        assert changed.float().mean().item() == pytest.approx(weight * p, abs=0.04)
        assert (changed | ~changed_before).all(), "what p changes, a larger p changes too"
        changed_before = changed


@pytest.mark.parametrize("name", CHANGING)
def test_images_to_which_nothing_happens_stay_the_same_to_the_last_bit(name: str) -> None:
    augmentation = load(name)
    images = pictures(400, 3, 8, 8, dtype=torch.float32).requires_grad_()
    changed = augmentation(images, numbers_for(augmentation, images), at(0.05))
    untouched = (changed == images).flatten(1).all(dim=1)
    assert 0.2 < untouched.float().mean() < 0.9
    gradient = pictures(400, 3, 8, 8, seed=3, dtype=torch.float32)
    passed = torch.autograd.grad(changed, images, gradient)[0]
    assert torch.equal(passed[untouched], gradient[untouched])


@pytest.mark.parametrize("name", CHANGING)
@pytest.mark.parametrize("p", [1.5, {"start": 0.0, "end": 2.0, "over_kimg": 1.0}], ids=["number", "schedule"])
def test_a_probability_above_one_is_refused_by_name(name: str, p: Any) -> None:
    with pytest.raises(UserError, match=r"augmentation\.p .* at most 1"):
        load(name, p=p)


@pytest.mark.parametrize("name", CHANGING)
def test_pictures_whose_colours_are_unknown_are_refused_until_colours_are_left_alone(name: str) -> None:
    with pytest.raises(UserError, match=r"5 channels.*augmentation\.color"):
        load(name).numbers((5, 8, 8))
    augmentation = load(name, color=False if name == "diffaugment" else 0.0)
    images = pictures(2, 5, 8, 8)
    assert augmentation(images, numbers_for(augmentation, images), at(1.0)).shape == images.shape
