"""One step of each player: the same gradient by every road, and nothing that waits for a device."""

import dataclasses
from typing import Any

import pytest
import torch
from games import CPU, SHORT, description, pictures, rules, start, table
from torch.utils._python_dispatch import TorchDispatchMode

from ganlib import components, diagnostics, images, routes, steps
from ganlib.augmentations.none import NoAugmentation
from ganlib.errors import UserError
from ganlib.game import new_game
from ganlib.penalties import squared_gradient_norms
from ganlib.routes import Judge
from ganlib.steps import Table
from ganlib.training import play_round

PENALTIES = components.names("penalties")


def gradients(laid: Table, *, exact: bool, charged: bool = True) -> list[torch.Tensor]:
    hand = laid.dealer.discriminator(0)
    return steps.discriminator_gradients(dataclasses.replace(laid, exact=exact), hand, charged=charged)


def plainly(laid: Table) -> list[torch.Tensor]:
    """The discriminator's gradient as the papers write it: real images, then generated ones, double backward."""
    game, by = laid.game, laid.rules
    hand = laid.dealer.discriminator(0)
    judge = Judge(game, by, hand)
    together = game.description.packing
    real = images.packed(images.to_unit_range(hand.real), together).requires_grad_()
    with torch.no_grad():
        fake = images.packed(game.generator(hand.latents, hand.labels), together)
    fake.requires_grad_()
    real_logits, fake_logits = judge.real(real), judge.fake(fake)
    total = by.loss.discriminator(real_logits, fake_logits)
    if by.penalty.at in ("real", "both"):
        total = total + hand.gamma * by.penalty.price(squared_gradient_norms(real, real_logits)).mean()
    if by.penalty.at == "both":
        total = total + hand.gamma * by.penalty.price(squared_gradient_norms(fake, fake_logits)).mean()
    if by.penalty.at == "between":
        share = hand.mixing[::together].view(-1, 1, 1, 1)
        between = (share * real + (1 - share) * fake).detach().requires_grad_()
        total = total + hand.gamma * by.penalty.price(squared_gradient_norms(between, judge.real(between))).mean()
    return game.discriminator_player.gradients(total)


def agree(mine: list[torch.Tensor], theirs: list[torch.Tensor]) -> None:
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("augmentation", components.names("augmentations"))
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("network", ["dcgan", "r3"])
def test_every_route_gives_the_gradient_of_the_formula(network: str, penalty: str, augmentation: str) -> None:
    by = rules(penalty=penalty, augmentation=augmentation)
    laid = table(by, start(by, network))
    expected = plainly(laid)
    agree(gradients(laid, exact=False), expected)
    if laid.exact:
        agree(gradients(laid, exact=True), expected)
    assert laid.exact == (penalty in ("r1", "r1_r2"))


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("augmentation", ["none", "ada"])
def test_packs_are_judged_as_one(penalty: str, augmentation: str) -> None:
    by = rules(dataclasses.replace(SHORT, packing=2), penalty=penalty, augmentation=augmentation)
    laid = table(by, start(by, "dcgan", conditional=False, packing=2))
    expected = plainly(laid)
    agree(gradients(laid, exact=False), expected)
    if laid.exact:
        agree(gradients(laid, exact=True), expected)
    hand = laid.dealer.discriminator(0)
    real = images.packed(images.to_unit_range(hand.real), 2)
    assert real.shape == (4, 2, 8, 8)
    assert Judge(laid.game, by, hand).real(real).shape == (4,)
    assert torch.equal(images.unpacked(real, 2), images.to_unit_range(hand.real))


def test_a_discriminator_with_batch_statistics_sees_each_side_by_itself() -> None:
    by = rules(penalty="none")
    game = start(by, "dcgan", options={"discriminator_norm": "batch"}, shape=(1, 16, 16))
    assert routes.judges_batches(game.discriminator)
    laid = table(by, game)
    agree(gradients(laid, exact=False), plainly(laid))


def test_a_lazy_penalty_is_charged_now_and_then_and_so_many_times_as_high() -> None:
    by = rules(penalty_options={"every": 4})
    laid = table(by, start(by))
    once = table(rules(), start(rules()))
    charged, bare = gradients(laid, exact=False), gradients(laid, exact=False, charged=False)
    single = gradients(once, exact=False)
    for high, none, low in zip(charged, bare, single, strict=True):
        torch.testing.assert_close(high - none, 4 * (low - none), rtol=1e-3, atol=1e-5)
    paid = []
    for _ in range(8):
        laid.game.sums["discriminator"].zero_()
        play_round(laid)
        paid.append(float(laid.game.sums["discriminator"][steps.DISCRIMINATOR_REPORTS.index("penalty")]) > 0)
    assert paid == [True, False, False, False, True, False, False, False]


@pytest.mark.parametrize("settings", [{}, {"penalty_route": "autograd"}])
def test_the_exact_route_is_taken_where_it_holds_unless_switched_off(settings: dict[str, Any]) -> None:
    by = rules(dataclasses.replace(SHORT, **settings))
    assert table(by, start(by, "dcgan")).exact == (not settings)


def test_asked_for_where_it_does_not_hold_the_exact_route_is_refused_by_name() -> None:
    by = rules(dataclasses.replace(SHORT, penalty_route="exact"))
    game = start(by, "resnet", options={"attention": 8}, shape=(1, 16, 16))
    with pytest.raises(
        UserError,
        match=r"train\.penalty_route is exact but .*two operands that depend on the images.*set it to auto or autograd",
    ):
        table(by, game)


@pytest.mark.parametrize("augmentation", components.names("augmentations"))
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("network", components.names("networks"))
def test_no_gradient_of_either_player_waits_for_the_device(
    network: str, penalty: str, augmentation: str, nothing_reaches_the_host: TorchDispatchMode
) -> None:
    by = rules(penalty=penalty, augmentation=augmentation)
    laid = table(by, start(by, network))
    d_hand, g_hand = laid.dealer.discriminator(0), laid.dealer.generator(0)
    with nothing_reaches_the_host:
        steps.discriminator_gradients(laid, d_hand, charged=True)
        steps.generator_gradients(laid, g_hand)


def test_p_adapts_towards_the_target_in_both_directions() -> None:
    """Every fourth step, by four batches of so many kimg; the sign of D on reals says which way."""
    for rises in (True, False):
        by = rules(augmentation="ada", augmentation_options={"target": 0.0, "adjust_kimg": 1.0, "p": 0.5})
        laid = table(by, start(by))
        laid.game.discriminator.to_logit.bias.data.fill_(5.0 if rises else -5.0)  # type: ignore[union-attr,operator]
        laid.game.strength.fill_(0.5)
        seen = []
        for _ in range(8):
            play_round(laid)
            seen.append(float(laid.game.strength))
        step = 4 * 8 / 1000 * (1 if rises else -1)
        assert seen[:3] == [0.5] * 3
        assert seen[3] == pytest.approx(0.5 + step)
        assert seen[7] == pytest.approx(0.5 + 2 * step)


@pytest.mark.parametrize("loss", components.names("losses"))
def test_the_value_of_the_game_is_known_to_the_classic_losses_alone(loss: str) -> None:
    row = {"discriminator_loss": 1.3862943611198906}
    derived = diagnostics.derived(row, rules(loss=loss).loss)
    if loss in ("minimax", "non_saturating"):
        assert derived["value"] == pytest.approx(-1.3862943611198906)
        assert derived["jensen_shannon"] == pytest.approx(0, abs=1e-12)
    else:
        assert derived == {}


def test_no_augmentation_leaves_no_trace_in_a_step() -> None:
    laid = table(rules(), start(rules()))
    assert isinstance(laid.rules.augmentation, NoAugmentation)
    assert laid.dealer.discriminator(0).real_numbers.numel() == 0


def test_a_player_that_is_told_of_labels_alone_is_dealt_no_pictures() -> None:
    by = rules(loss="hinge")
    hand = table(by, start(by)).dealer.generator(8)
    assert hand.real is None
    assert hand.labels is not None
    sees = rules(loss="relativistic")
    assert table(sees, start(sees)).dealer.generator(8).real is not None


def test_the_noise_of_a_step_follows_from_seed_and_images_seen() -> None:
    by = rules(augmentation="ada")
    one, other = (table(by, start(by)).dealer for _ in range(2))
    other.discriminator(8)  # what was dealt before is forgotten
    for name in ("latents", "real_numbers", "fake_numbers"):
        mine, theirs = getattr(one.discriminator(16), name), getattr(other.discriminator(16), name)
        assert torch.equal(mine, theirs)
        assert not torch.equal(mine, getattr(one.generator(16), name))
        assert not torch.equal(mine, getattr(one.discriminator(24), name))
    hand = one.discriminator(16)
    assert not torch.equal(hand.real_numbers, hand.fake_numbers)


def test_a_game_of_packs_has_a_discriminator_of_as_many_channels() -> None:
    game = new_game(description("dcgan", conditional=False, packing=3), SHORT, CPU)
    assert game.discriminator(torch.zeros(2, 3, 8, 8)).shape == (2,)
    assert pictures().pixels.shape[1] == 1


def test_a_gradient_means_the_same_however_it_lies_in_memory() -> None:
    """Fused Adam goes by places in memory, and convolutions give gradients as their inputs lie."""
    weights = []
    for layout in (torch.contiguous_format, torch.channels_last):
        game = start(rules(), "resnet")
        player = game.generator_player
        for seed in range(2):
            torch.manual_seed(seed)
            gradients = [torch.randn_like(parameter) for parameter in player.parameters]
            player.update([one.contiguous(memory_format=layout) if one.dim() == 4 else one for one in gradients])
        weights.append([parameter.detach() for parameter in player.parameters])
    assert any(one.dim() == 4 and min(one.shape[1:]) > 1 for one in weights[0])
    for one, other in zip(*weights, strict=True):
        assert torch.equal(one, other)


def test_a_game_is_played_with_channels_together_in_memory() -> None:
    laid = table(rules(), start(rules(), "resnet"))
    found: list[torch.Tensor] = []
    for player in (laid.game.generator, laid.game.discriminator):
        for module in player.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    steps.discriminator_gradients(laid, laid.dealer.discriminator(0), charged=False)
    wide = [one for one in found if min(one.shape[1:]) > 1]
    together = sum(one.is_contiguous(memory_format=torch.channels_last) for one in wide)
    assert together >= 0.8 * len(wide) > 0
