"""What a training step that is captured, or that pushes directions through, needs of every augmentation."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from every_augmentation import AUGMENTATIONS, CHANGING, SHAPES, at, load, numbers_for, pictures
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_no_value_is_read_by_the_host(name: str, nothing_reaches_the_host: TorchDispatchMode) -> None:
    augmentation = load(name)
    images = pictures(4, 3, 16, 16, dtype=torch.float32).requires_grad_()
    numbers = numbers_for(augmentation, images)
    with nothing_reaches_the_host:
        changed = augmentation(images, numbers, at(0.5))
        (gradient,) = torch.autograd.grad(changed.square().sum(), images, create_graph=True)
        torch.autograd.grad(gradient.square().sum(), images)


class Journal(TorchFunctionMode):
    """Writes down which functions are applied to what depends on the images, and how."""

    def __init__(self, images: torch.Tensor) -> None:
        super().__init__()
        self.dependent = [images]
        self.names: set[str] = set()

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        flat = [part for arg in args for part in (arg if isinstance(arg, tuple | list) else (arg,))]
        if any(self._depends(part) for part in flat) and isinstance(result, torch.Tensor):
            self.names.add(func.__name__)
            self.dependent.append(result)
        return result

    def _depends(self, value: Any) -> bool:
        return any(value is known for known in self.dependent)


LINEAR = {"warp", "matmul", "mul", "add", "sub", "where", "mean", "cat", "flatten", "reshape", "view", "__getitem__"}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_images_pass_through_ordinary_linear_functions_only(name: str, shape: tuple[int, int, int]) -> None:
    augmentation = load(name)
    images = pictures(4, *shape, dtype=torch.float32)
    numbers = numbers_for(augmentation, images)
    plain = augmentation(images, numbers, at(0.5))
    with Journal(images) as journal:
        changed = augmentation(images, numbers, at(0.5))
    assert torch.equal(changed, plain)
    assert any(changed is known for known in journal.dependent)
    asked_of_the_tensor = {"__get__"}  # its shape, device, dtype
    assert journal.names - asked_of_the_tensor <= LINEAR


@pytest.mark.parametrize("name", CHANGING)
def test_what_the_first_call_keeps_serves_training_after_sampling(name: str) -> None:
    augmentation = load(name)
    images = pictures(2, 3, 19, 21)
    numbers = numbers_for(augmentation, images)
    with torch.inference_mode():
        augmentation(images, numbers, at(1.0))
    images.requires_grad_()
    augmentation(images, numbers, at(1.0)).sum().backward()
    assert images.grad is not None
