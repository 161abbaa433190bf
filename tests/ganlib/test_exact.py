"""The exact route against autograd's double backward, whose every step is another one."""

import copy
from collections.abc import Callable, Sequence
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ganlib import components, exact
from ganlib.augmentations import Augmentation
from ganlib.images import packed
from ganlib.losses import GanLoss
from ganlib.networks import Fit, NetworkFamily
from ganlib.piecewise.rules import NotLinearError

Seen = Callable[[Tensor], Tensor]
QUALIFYING = ["dcgan", "mlp", "r3", "resnet"]
LABELS = torch.tensor([0, 2, 1, 1, 2, 0])
FIT = Fit((3, 16, 16), latent_dim=4, n_classes=3)
SMALL = {"dcgan": {"width": 4}, "mlp": {"width": 2}, "r3": {"width": 16}, "resnet": {"width": 4}}


def pictures(batch: int = 6, shape: tuple[int, int, int] = FIT.image_shape, seed: int = 0) -> Tensor:
    return torch.randn(batch, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def stirred(network: nn.Module, seed: int = 0) -> nn.Module:
    """In float64 and with no weight at its first value, which may be 0."""
    generator = torch.Generator().manual_seed(seed)
    network.double()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, dtype=weight.dtype, generator=generator))
    return network


def discriminator(name: str, fit: Fit = FIT, **options: object) -> nn.Module:
    torch.manual_seed(0)
    family = components.build(NetworkFamily, name, SMALL.get(name, {}) | options, section="network")
    return stirred(family.discriminator(fit))


def game(name: str) -> Callable[[Tensor], Tensor]:
    loss = components.build(GanLoss, name, {}, section="loss")
    return lambda logits: loss.discriminator(*logits.chunk(2))


def on_both(norms: Tensor) -> Tensor:
    real, fake = norms.chunk(2)
    return 0.7 * (real.mean() + 0.3 * fake.mean())


def on_real(norms: Tensor) -> Tensor:
    return 2 * norms[: len(norms) // 2].mean()


def slope_of_one(norms: Tensor) -> Tensor:
    return ((norms + 1e-3).sqrt() - 1).square().mean()


PRICES = {"both": on_both, "real": on_real, "slope": slope_of_one}
relativistic = game("relativistic")


def double_backward(
    seen: Seen, images: Tensor, parameters: Sequence[Tensor], loss: Seen = relativistic, price: Seen = on_both
) -> list[Tensor]:
    leaf = images.detach().requires_grad_()
    logits = seen(leaf)
    (slopes,) = torch.autograd.grad(logits.sum(), leaf, create_graph=True)
    objective = loss(logits) + price(slopes.flatten(1).square().sum(1))
    return list(torch.autograd.grad(objective, parameters, allow_unused=True, materialize_grads=True))


def assert_as_double_backward(
    network: nn.Module,
    images: Tensor,
    seen: Callable[[nn.Module, Tensor], Tensor] = lambda network, x: network(x),
    loss: Seen = relativistic,
    price: Seen = on_both,
    tolerance: float = 1e-10,
) -> exact.Gradients:
    """On two copies, because a step may change a network's buffers."""
    other = copy.deepcopy(network)
    assert exact.why_not(partial(seen, network), images) is None
    parameters = list(network.parameters())
    found = exact.gradients(partial(seen, network), images, parameters=parameters, loss=loss, price=price)
    expected = double_backward(partial(seen, other), images, list(other.parameters()), loss, price)
    size = max(float(gradient.norm()) for gradient in expected)
    for (name, parameter), weight, gradient in zip(network.named_parameters(), found.weights, expected, strict=True):
        assert weight.shape == parameter.shape
        assert weight.dtype == parameter.dtype
        assert not weight.requires_grad
        assert (weight - gradient).norm() <= tolerance * (gradient.norm() + 1e-3 * size) + 1e-13, name
    for name, buffer in network.named_buffers():
        assert torch.equal(buffer, other.get_buffer(name)), name
    return found


class Layer(nn.Module):
    """One of the things that discriminators are made of; by its number, with the options another number holds."""

    KINDS = ("conv", "grouped", "residual", "blur", "pool", "shift", "scale", "upsample", "crop", "matrix", "mask")

    def __init__(self, kind: str, channels: int, options: int, spectral: bool) -> None:
        super().__init__()
        self.kind, self.options, self.channels = kind, options, channels
        self.slope = (0.0, 0.2, 0.01)[options % 3]
        kernel, bias, grouped = 1 + options % 3, bool(options // 3 % 2), kind == "grouped"
        self.step = 1 + options // 6 % 2
        weighted = kind in ("conv", "grouped", "residual")
        self.out = channels if kind == "residual" else 4 + 2 * (options // 12 % 2)
        self.conv = None
        if weighted:
            groups = 2 if grouped else 1
            self.conv = nn.Conv2d(channels, self.out, kernel, padding=kernel // 2, groups=groups, bias=bias)
            self.conv = spectral_norm(self.conv) if spectral else self.conv
        self.out = self.out if weighted else channels
        self.shift = nn.Parameter(torch.randn(channels))
        self.register_buffer("kernel", torch.tensor([1.0, 3, 3, 1]).outer(torch.tensor([1.0, 3, 3, 1])) / 64)

    def activated(self, x: Tensor) -> Tensor:
        if self.options % 5 == 0:
            return x
        in_place = self.options % 5 == 1
        if self.slope == 0:
            return F.relu(x.clone() if in_place else x, inplace=in_place)
        return F.leaky_relu(x.clone() if in_place else x, self.slope, in_place)

    def forward(self, x: Tensor) -> Tensor:  # noqa: PLR0911
        if self.conv is not None:
            made = self.conv(self.activated(x))
            if self.kind != "residual":
                return self.activated(made[:, :, :: self.step])
            made = F.pad(made, (0, 0, 0, 0))[:, :, : x.shape[2], : x.shape[3]]
            return (x + made) / 2**0.5 if self.options % 2 else torch.lerp(x, made, 0.3)
        channelwise = self.shift.view(1, -1, 1, 1)
        if self.kind == "shift":
            return self.activated(x + channelwise if self.options % 2 else x.clone().add_(channelwise, alpha=0.5))
        if self.kind == "scale":
            return self.activated((1 - channelwise * x).mul_(0.7))
        if self.kind == "blur":
            kernel = self.kernel.to(x.dtype).expand(self.channels, 1, 4, 4)
            return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), kernel, groups=self.channels)
        if self.kind == "pool":
            return F.avg_pool2d(x, 2, ceil_mode=True) + x.mean((2, 3), keepdim=True)
        if self.kind == "upsample":
            return F.interpolate(x, scale_factor=2.0)[..., :5, 1:6] - 0.1
        if self.kind == "crop":
            kept = torch.cat([x[:, :2].flip(3), self.shift[2:, None, None].expand(len(x), -1, *x.shape[2:])], 1)
            return kept.movedim(1, -1).permute(0, 3, 1, 2).contiguous()
        if self.kind == "matrix":
            return torch.einsum("nchw,dc->ndhw", x, self.shift.outer(self.shift)) + x.transpose(2, 3).mT
        checks = (torch.arange(x.shape[3]) % 3 == 0)[None, None, None]
        return torch.where(checks, x, channelwise * torch.ones_like(x)).masked_fill(
            (torch.arange(x.shape[2]) % 2 == 1)[:, None], 0
        )


class AnyNetwork(nn.Module):
    """Layers in a row, then a linear layer or a projection."""

    def __init__(self, layers: list[tuple[str, int]], spectral: bool, projects: bool) -> None:
        super().__init__()
        made: list[Layer] = []
        for kind, options in layers:
            made.append(Layer(kind, made[-1].out if made else 4, options, spectral))
        self.layers = nn.Sequential(*made)
        self.to_features = nn.Linear(made[-1].out, 5)
        self.to_logit = None if projects else nn.Linear(5, 1)
        self.embedding = nn.Embedding(3, 5)
        self.unused = nn.Parameter(torch.randn(2))

    def forward(self, images: Tensor) -> Tensor:
        features = F.leaky_relu(self.to_features(self.layers(images).sum(dim=(2, 3))), 0.1)
        if self.to_logit is None:
            return (self.embedding(LABELS[: len(images)]) * features).sum(1)
        return self.to_logit(features).squeeze(1)


@settings(max_examples=50)
@given(
    layers=st.lists(st.tuples(st.sampled_from(Layer.KINDS), st.integers(0, 59)), min_size=1, max_size=6),
    spectral=st.booleans(),
    projects=st.booleans(),
    loss=st.sampled_from(components.names("losses")),
    price=st.sampled_from(sorted(PRICES)),
    seed=st.integers(0, 1000),
)
def test_random_networks_get_the_gradients_of_double_backward(
    layers: list[tuple[str, int]], spectral: bool, projects: bool, loss: str, price: str, seed: int
) -> None:
    torch.manual_seed(seed)
    network = stirred(AnyNetwork(layers, spectral, projects), seed)
    images = pictures(6, (4, 5, 6), seed)
    found = assert_as_double_backward(network, images, loss=game(loss), price=PRICES[price])
    assert not found.weights[[name for name, _ in network.named_parameters()].index("unused")].any()


@pytest.mark.parametrize("name", components.names("networks"))
def test_every_network_that_qualifies_gets_the_gradients_of_double_backward(name: str) -> None:
    network = discriminator(name)
    reason = exact.why_not(lambda x: network(x, LABELS), pictures())
    assert reason is None or name not in QUALIFYING, reason
    if reason is None:
        assert_as_double_backward(network, pictures(), lambda network, x: network(x, LABELS))


@pytest.mark.parametrize("name", components.names("augmentations"))
def test_the_penalty_is_on_pixels_before_augmentation(name: str) -> None:
    augmentation = components.build(Augmentation, name, {}, section="augmentation")
    numbers = torch.rand(6, augmentation.numbers(FIT.image_shape), generator=torch.Generator().manual_seed(1))
    strength = torch.tensor(0.8)

    def seen(network: nn.Module, images: Tensor) -> Tensor:
        return network(augmentation(images, numbers, strength), LABELS)

    assert_as_double_backward(discriminator("dcgan"), pictures(), seen)


def test_images_may_be_packed_on_their_way_to_the_discriminator() -> None:
    network = discriminator("dcgan", Fit((6, 16, 16), latent_dim=4))
    found = assert_as_double_backward(network, pictures(8), lambda network, x: network(packed(x, 2)))
    assert found.logits.shape == (4,)
    assert found.squared_norms.shape == (8,)
    packs = packed(pictures(8), 2)
    apart = assert_as_double_backward(network, packs, lambda network, x: network(packed(x.view(8, 3, 16, 16) + 1, 2)))
    assert apart.squared_norms.shape == (4,)


@pytest.mark.parametrize("name", QUALIFYING)
def test_stages_in_bfloat16_get_the_gradients_of_double_backward_up_to_rounding(name: str) -> None:
    network = discriminator(name).float()
    network.bfloat16_stages = 2
    images = pictures().float()
    assert_as_double_backward(network, images, lambda network, x: network(x, LABELS), tolerance=0.1)


class Shared(nn.Module):
    """A weight that takes part as it is, once more, and through another tensor made of it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(F.conv2d(x, self.weight), 0.2)
        x = F.leaky_relu(F.conv2d(x, self.weight, self.weight[0].flatten()), 0.2)
        return F.linear(x.mean((2, 3)), self.weight.square().sum((2, 3))).sum(1)


class Ahead(nn.Module):
    """An activation whose input is looked at again after it, and one that writes into what a view shows."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.after = nn.Conv2d(4, 2, 3)
        self.shift = nn.Parameter(torch.tensor(0.7))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = x + F.relu(x) + F.leaky_relu(x, 0.3)[:, :1]
        x = x.clone()
        x[:, 1:].mul_(0.5)
        part = x[:, :1]
        x.add_(self.shift)
        x = torch.cat([part * self.shift, x[:, 1:]], 1)
        F.leaky_relu(x[:, :2], 0.1, inplace=True)
        return self.after(x).sum((1, 2, 3))


@pytest.mark.parametrize("network", [Shared, Ahead])
def test_weights_may_be_shared_and_memory_reused(network: type[nn.Module]) -> None:
    torch.manual_seed(3)
    assert_as_double_backward(network().double(), pictures())


def test_what_is_found_on_the_way_is_what_the_discriminator_says() -> None:
    network, images = discriminator("dcgan"), pictures().requires_grad_()
    seen = partial(network, labels=LABELS)
    with torch.no_grad():  # the caller's mode must not matter
        found = exact.gradients(seen, images, parameters=list(network.parameters()), loss=relativistic, price=on_both)
    logits = seen(images)
    (slopes,) = torch.autograd.grad(logits.sum(), images)
    torch.testing.assert_close(found.logits, logits.detach())
    torch.testing.assert_close(found.loss, relativistic(logits).detach())
    torch.testing.assert_close(found.squared_norms, slopes.flatten(1).square().sum(1))
    assert not any(value.requires_grad for value in (found.logits, found.loss, found.squared_norms))
    assert images.grad is None


WEIGHT = torch.ones(4, 4, 1, 1, dtype=torch.float64, requires_grad=True)
DISQUALIFIED: dict[str, Callable[[Tensor], Tensor]] = {
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "group_norm": lambda x: F.group_norm(x, 2),
    "layer_norm": lambda x: F.layer_norm(x, x.shape[1:]),
    "softmax": lambda x: x.softmax(1),
    "tanh": torch.tanh,
    "sigmoid": lambda x: x.sigmoid(),
    "silu": F.silu,
    "dropout": F.dropout,
    "max_pool2d": lambda x: F.max_pool2d(x, 2),
    "clamp": lambda x: x.clamp(-1, 1),
    "std": lambda x: x + x.std(0),
    "gt": lambda x: torch.where(x > 0, x, 0.0),
    "detach": lambda x: x + x.detach(),
    "normalize": F.normalize,
    "mul with two operands that depend on the images": lambda x: x * x,
    "matmul with two operands that depend on the images": lambda x: x @ x.mT,
    "conv2d with two operands that depend on the images": lambda x: F.conv2d(x, x[:, :, :1, :1] + WEIGHT[:1]),
    "division by what depends on the images": lambda x: 1 / x,
    "setitem": lambda x: x.clone().__setitem__((slice(None), 0), 0) or x,
    "sum across images": lambda x: x + x.sum(0, keepdim=True),
    "mean across images": lambda x: x - x.mean(),
    "flip across images": lambda x: x.flip(0),
    "roll across images": lambda x: x.roll(1, 0),
    "cat across images": lambda x: torch.cat([x, x])[:, :2],
    "stack across images": lambda x: torch.stack([x, x], -5),
    "split across images": lambda x: x.split(2)[0],
    "unbind across images": lambda x: torch.stack(list(x), 1),
    "indexing across images": lambda x: x[::2],
    "indexing with a tensor or a list": lambda x: x[:, torch.tensor([1, 0])],
    "transpose across images": lambda x: x.transpose(0, 1),
    "permute across images": lambda x: x.permute(1, 0, 2, 3),
    "movedim across images": lambda x: x.movedim(-1, 0),
    "view across images": lambda x: x.view(1, -1).view(4, -1),
    "reshape across images": lambda x: x.reshape(2, 2, -1).flatten(0, 1),
    "unsqueeze across images": lambda x: x.unsqueeze(0).squeeze(0),
    "repeat across images": lambda x: x.repeat(2, 1, 1, 1),
    "expand to more dimensions": lambda x: x.expand(4, *x.shape),
    "einsum across images": lambda x: torch.einsum("nchw,mn->mchw", x, WEIGHT[:, :, 0, 0]),
    "matmul across images": lambda x: WEIGHT[:, :, 0, 0] @ x.flatten(1),
    "conv2d across images": lambda x: F.conv2d(x.sum(1), WEIGHT),
    "linear across images": lambda x: F.linear(x.sum((1, 2, 3)), WEIGHT[:, :, 0, 0]),
    "add across images": lambda x: x + x.sum(2),
    "pad with a value other than 0": lambda x: F.pad(x, (1, 1), value=1.0),
    "add of weights into a part of a tensor": lambda x: x.clone()[:, :2].add_(WEIGHT[0, 0]),
    "masked_fill with a value other than 0": lambda x: x.masked_fill(WEIGHT[:, 0, 0, 0] > 0, 1.0),
    "view as another number format": lambda x: x.view(torch.float32),
    "to without a gradient": lambda x: x.to(torch.int64),
}


@pytest.mark.parametrize("reason", DISQUALIFIED)
def test_what_the_exact_route_does_not_know_is_named(reason: str) -> None:
    """Four channels and four images: a mistaken dimension must not show by its size."""

    def seen(images: Tensor) -> Tensor:
        made = DISQUALIFIED[reason](F.conv2d(images, WEIGHT))
        return made.flatten(1).sum(1)

    images = pictures(4, (4, 4, 4))
    assert exact.why_not(seen, images) == reason
    with pytest.raises(NotLinearError, match=reason):
        exact.gradients(seen, images, parameters=[], loss=relativistic, price=on_both)


def test_batch_normalisation_disqualifies_dcgan() -> None:
    network = discriminator("dcgan", discriminator_norm="batch")
    assert exact.why_not(partial(network, labels=LABELS), pictures()) == "batch_norm"


def test_a_discriminator_must_look_at_the_images() -> None:
    assert exact.why_not(lambda x: torch.ones(len(x)), pictures()) == "logits that do not depend on the images"


class Restless(nn.Module):
    """Everything that a call may change."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.conv = spectral_norm(nn.Conv2d(3, 2, 3))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += torch.rand(())
        return self.norm(self.conv(x)[:, :1].repeat(1, 3, 1, 1)).sum((1, 2, 3))


def test_asking_changes_nothing() -> None:
    network = Restless().double()
    before, random_state = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    assert exact.why_not(network, pictures()) == "batch_norm"
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert torch.equal(torch.get_rng_state(), random_state)


class Operations(TorchDispatchMode):
    """The names of all that torch is asked to compute, and how many multiplications and additions that takes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.flops = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        outcome = func(*args, **(kwargs or {}))
        if func.overloadpacket in flop_registry:
            self.flops += flop_registry[func.overloadpacket](*args, **(kwargs or {}), out_val=outcome)
        return outcome

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or the compiler is imported, for seconds


@pytest.mark.parametrize("name", QUALIFYING)
def test_the_host_never_waits_for_a_value(name: str, nothing_reaches_the_host: TorchDispatchMode) -> None:
    network = discriminator(name)
    parameters = list(network.parameters())
    with nothing_reaches_the_host:
        exact.gradients(
            partial(network, labels=LABELS), pictures(), parameters=parameters, loss=relativistic, price=on_both
        )


def test_a_step_costs_four_forwards_where_double_backward_costs_six() -> None:
    weights = [torch.randn(8, 8, 3, 3, dtype=torch.float64, requires_grad=True) for _ in range(4)]

    def seen(images: Tensor) -> Tensor:
        for weight in weights:
            images = F.leaky_relu(F.conv2d(images, weight, padding=1), 0.2)
        return images.sum((1, 2, 3))

    def cost(step: Callable[[], object]) -> int:
        with Operations() as operations:
            step()
        return operations.flops

    images = pictures(4, (8, 8, 8))
    forward = cost(lambda: seen(images))
    by_the_exact_route = cost(
        lambda: exact.gradients(seen, images, parameters=weights, loss=relativistic, price=on_both)
    )
    assert 3.9 * forward <= by_the_exact_route <= 4.1 * forward
    assert cost(lambda: double_backward(seen, images, weights)) >= 5.7 * forward
