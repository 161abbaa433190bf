"""The rounds and the loop. Everything random comes from (seed, images seen), so resuming is running it again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch

from . import averaging, diagnostics, distributed, trouble
from .batches import RealImages
from .capture import Recorder
from .checkpoint import CheckpointFolder
from .dealing import Dealer
from .distributed import Team
from .errors import UserError
from .game import Game
from .penalties import LAZY
from .prepared import Split
from .routes import takes_the_exact_route
from .rules import Rules
from .schedules import value
from .selection import Selection, interval_ended
from .steps import (
    DISCRIMINATOR_REPORTS,
    GENERATOR_REPORTS,
    Table,
    discriminator_step,
    generator_step,
)

REPORTED = ("discriminator_loss", "generator_loss", *DISCRIMINATOR_REPORTS[1:])
"""Means over the steps since the last report; more columns follow from diagnostics.py."""


ALONE = Team()


@dataclass(frozen=True)
class Progress:
    """What the loop says after a round."""

    images_seen: int
    report: dict[str, float] | None = None
    """A new row of the history, where this round ended a log interval."""
    picture_due: bool = False
    """Whether this round ended a grid interval."""
    notice: str | None = None
    """A sentence that a person should read."""
    scores: dict[str, float] | None = None
    """More columns of the history's last row, where the averaged generator was scored."""


def train(
    game: Game,
    rules: Rules,
    data: Split,
    *,
    checkpoints: CheckpointFolder,
    heldout: Split | None = None,
    selection: Selection | None = None,
    team: Team = ALONE,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Plays a new game until `rules.total` real images were seen, or until `stop()`; yields after every round.

    Goes on from the newest checkpoint; saves one every `checkpoint_every_kimg`, when stopped, and at the end, each
    after the caller has seen the round it belongs to. The caller may read the game but not change it. D is also
    watched on `heldout` pictures, which nobody learns from. Where there is a `selection`, the best averaged generator
    is kept beside the last. Every process of a team runs this; the first one scores and saves.
    UserError where a loss or a weight is not finite and a rollback is not allowed or was already made, and where
    memory runs out.
    """
    ready(game)
    if rules.augmentation.target is not None:
        game.strength.fill_(value(rules.augmentation.p, 0))
    if (snapshot := checkpoints.latest()) is not None:
        game.restore(snapshot)
        team.barrier()  # all have read it before the first one saves another
        yield Progress(game.images_seen, notice=f"Resumed at {game.images_seen:,} of {rules.total:,} images.")
    with _real_images(game, rules, data) as reals:
        try:
            table, notices = lay_table(game, rules, reals, team)
            for notice in notices:
                yield Progress(game.images_seen, notice=notice)
            bystander = diagnostics.bystander(game, rules, data, heldout)
            yield from _rounds(table, bystander, selection, checkpoints, stop)
        except (RuntimeError, MemoryError) as error:
            if not trouble.is_out_of_memory(error):
                raise
            raise UserError(trouble.way_out_of_memory(game, rules)) from None
    if 0 < game.images_seen < rules.total and game.non_finite_tensor() is None:
        _save(table, checkpoints)


def _rounds(
    table: Table,
    bystander: diagnostics.Bystander,
    selection: Selection | None,
    checkpoints: CheckpointFolder,
    stop: Callable[[], bool],
) -> Iterator[Progress]:
    game, rules, settings = table.game, table.rules, table.rules.settings
    captures = table.recorder.wanted
    while True:
        if selection is not None:
            yield from _select(table, selection, checkpoints, stop)
        if game.images_seen >= rules.total or table.team.anyone(stop()):
            return
        before = game.images_seen
        play_round(table)
        if captures and not table.recorder.wanted:
            captures = False
            yield Progress(before, notice=f"Steps are not captured: {table.recorder.why_not}.")
        due = partial(interval_ended, before=before, now=game.images_seen, total=rules.total)
        # Scores belong to a row of the history, whatever the interval of those is.
        report_due = due(settings.log_every_kimg) or (selection is not None and due(selection.every_kimg))
        report = _report(table, bystander) if report_due else None
        save_due = due(settings.checkpoint_every_kimg)
        if (culprit := trouble.non_finite(game, report, look_at_weights=save_due)) is not None:
            notice = trouble.roll_back(game, rules, checkpoints, culprit)
            _save(table, checkpoints)
            yield Progress(game.images_seen, notice=notice)
            continue
        yield Progress(game.images_seen, report, picture_due=due(settings.grid_every_kimg))
        for warning in diagnostics.warnings(game.history, rules) if report else ():
            yield Progress(game.images_seen, notice=f"At {game.images_seen:,} images: {warning}")
        if save_due:
            _save(table, checkpoints)


def _select(
    table: Table, selection: Selection, checkpoints: CheckpointFolder, stop: Callable[[], bool]
) -> Iterator[Progress]:
    """Scores the averaged generator where that is still owed, and keeps it where it is the best so far."""
    game, rules = table.game, table.rules
    while selection.owed(game, rules):
        if (scores := selection.scores(game, table.team, stop)) is None:
            return
        if (culprit := trouble.non_finite(game, scores, look_at_weights=True)) is not None:
            notice = trouble.roll_back(game, rules, checkpoints, culprit)
            _save(table, checkpoints)
            yield Progress(game.images_seen, notice=notice)
            continue
        game.history[-1] |= scores
        if selection.best(game.history) is game.history[-1]:
            game.keep_averaged()
        yield Progress(game.images_seen, scores=scores, notice=selection.verdict(game.history))


def lay_table(game: Game, rules: Rules, reals: RealImages, team: Team) -> tuple[Table, list[str]]:
    """Where the game is played, and what a person should know of how; UserError where the settings contradict it."""
    _suit(game, rules.settings.precision, team)
    dealer = Dealer(
        rules.settings,
        game.description,
        rules.penalty,
        rules.augmentation,
        reals,
        game.device,
        team,
        adapted=game.strength if rules.augmentation.target is not None else None,
        generator_sees_real=rules.loss.generator_sees_real,
    )
    exact, why_not = takes_the_exact_route(game, rules, dealer)
    notices = [f"The penalty takes double backward: {why_not}."] if why_not else []
    if rules.penalty.every > 1 and rules.penalty.at != "nowhere":
        notices.append(LAZY.format(every=rules.penalty.every))
    return Table(game, rules, dealer, Recorder(game.device, rules.settings.capture), team, exact), notices


def _suit(game: Game, precision: str, team: Team) -> None:
    """Lets both players compute as this machine and this team want it; no weight changes."""
    native = game.device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    for player in (game.generator, game.discriminator):
        distributed.synchronised(player, team)
        player.channels_last = True
        if precision == "bfloat16" or (precision == "auto" and native):
            # The highest resolutions, where the work is and rounding hurts least (Huang et al. 2024).
            small = min(game.description.image_shape[1:]) <= SMALL
            player.bfloat16_stages = 3 if small else 4


SMALL = 32
"""Pixels of the shorter side up to which three stages are in bfloat16, above it four."""


def play_round(table: Table) -> None:
    """k discriminator steps, one generator step (Goodfellow et al. 2014, Algorithm 1), one step of the average."""
    game, settings = table.game, table.rules.settings
    seen_before = game.images_seen
    for _ in range(settings.discriminator_steps):
        _set_rates(table)
        charged = (game.images_seen // settings.batch_size) % table.rules.penalty.every == 0
        discriminator_step(table, charged=charged)
        game.images_seen += settings.batch_size
    generator_step(table)
    keep = averaging.decay(game.images_seen - seen_before, game.images_seen, settings.ema_half_life_kimg)
    kept = table.dealer.scalar("keep", keep)
    table.recorder.play("average", lambda: averaging.update(game.averaged, game.generator, kept))


def _real_images(game: Game, rules: Rules, data: Split) -> RealImages:
    settings = rules.settings
    cache_bytes = int(settings.device_cache_gb * 1e9)
    return RealImages(
        data, seed=settings.seed, conditional=game.conditional, device=game.device, cache_bytes=cache_bytes
    )


def _set_rates(table: Table) -> None:
    game, settings = table.game, table.rules.settings
    lr = value(settings.lr, game.images_seen) * game.lr_scale
    for player in (game.generator_player, game.discriminator_player):
        player.set_rates(lr, value(settings.beta2, game.images_seen))


def ready(game: Game) -> None:
    """New sums where there are none yet, else zeros in the same storage."""
    sizes = {"discriminator": len(DISCRIMINATOR_REPORTS), "generator": len(GENERATOR_REPORTS)}
    for name, size in sizes.items():
        game.sums.setdefault(name, torch.zeros(size, device=game.device)).zero_()
        game.steps_summed[name] = 0
    game.sums.setdefault("signs", torch.zeros((), device=game.device))


def _report(table: Table, bystander: diagnostics.Bystander) -> dict[str, float]:
    """Closes a log interval: its means become a row of the history. The one place that waits for the device."""
    game = table.game
    means: dict[str, float] = {}
    for player, names in (("discriminator", DISCRIMINATOR_REPORTS), ("generator", GENERATOR_REPORTS)):
        sums = game.sums[player] / game.steps_summed[player]
        table.team.average_([sums])
        means |= dict(zip(names, sums.tolist(), strict=True))
    row = {"images_seen": game.images_seen, **{name: means[name] for name in REPORTED}, **bystander.report()}
    row |= diagnostics.derived(row, table.rules.loss)
    game.history.append(row)
    ready(game)
    return row


def _save(table: Table, checkpoints: CheckpointFolder) -> None:
    """By the first process alone; the others wait, so that all of them find it."""
    if table.team.rank == 0:
        checkpoints.save(table.game.images_seen, table.game.snapshot())
    table.team.barrier()
