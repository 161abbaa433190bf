"""Generator against discriminator: reads data/prepared, writes models/gan, the history and sample grids."""

import copy
import csv
import dataclasses
import io
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ganlib import blocks, bundle, distributed, files, pictures, sampling, scatter, scoring, training_page
from ganlib.bundle import Description
from ganlib.checkpoint import CheckpointFolder
from ganlib.device import choose, set_rounding, settle_threads
from ganlib.distributed import Team
from ganlib.errors import UserError
from ganlib.feature_cache import FeatureCache
from ganlib.features import SHORT
from ganlib.game import Game, new_game
from ganlib.images import Picture
from ganlib.networks import Generator
from ganlib.prepared import PreparedData, open_prepared
from ganlib.rules import Rules
from ganlib.selection import SIGNS, Selection
from ganlib.settings import Settings
from ganlib.training import Progress, train
from pipelines import launching, lineage, paths, preflight, stage, tracking

GRID_COLUMNS = 10
SHOWN = {"discriminator_loss": "D", "generator_loss": "G"}


def run(settings: Settings) -> None:
    """Trains, or goes on where an earlier run with the same settings, code and data was stopped."""
    if settings.train.processes > 1 and not launching.under_a_launcher():
        stage.leave(launching.train_in(preflight.processes(settings)))
    with launching.member():
        play(settings)


def play(settings: Settings) -> None:
    """The training itself, in this process, alone or as one of several."""
    device = choose(settings.device, local_rank=launching.local_rank())
    data = open_prepared(paths.PREPARED)
    preflight.before_training(settings, data)
    description = describe(settings, data)
    team = distributed.join(device.type)
    set_rounding(settings.train)
    game = new_game(description, settings.train, device)
    if device.type == "cpu":
        packs = description.fit.packs(description.packing)
        settle_threads(game.discriminator, packs, settings.train.batch_size // team.size)
    origin = lineage.of_training(settings, data.digest)
    checkpoints = CheckpointFolder(paths.checkpoints() / origin.key)
    with stage.stop_signals() as stop, selecting(settings, data, game, team) as selection:
        rules = preflight.rules(settings)
        played = train(
            game, rules, data.train, heldout=data.heldout, selection=selection, checkpoints=checkpoints, team=team,
            stop=stop,
        )  # fmt: skip
        if team.rank == 0:
            with tracking.live(settings, origin, device=str(device)) as live:
                tell(played, game, selection, data, checkpoints, live, rules)
                if finished(game, rules, selection):
                    write_outputs(game, selection, origin, checkpoints)
                    write_page(game, rules, checkpoints, html=paths.TRAINING_PAGE)
                    live.finished()
        else:
            for _ in played:
                pass
    distributed.leave(team)
    if not finished(game, rules, selection):
        raise stage.Resumable(f"Stopped at {game.images_seen:,} of {rules.total:,} images; everything is saved.")


@contextmanager
def selecting(settings: Settings, data: PreparedData, game: Game, team: Team) -> Iterator[Selection | None]:
    """What chooses the generator that is kept, while the training lasts; none where that is the last one.

    Its look at the held-out pictures begins at once, in the background and in the first process alone.
    """
    chosen = settings.train
    if chosen.evaluate_every_kimg is None:
        yield None
        return
    selection = partial(Selection, chosen.evaluate_every_kimg, chosen.evaluate_by, chosen.evaluate_samples)
    if team.rank > 0:
        yield selection()
        return
    judge = scoring.open_judge(chosen.evaluate_through, data, game.device)
    with closing(scoring.HeldoutScorer(judge, data, chosen, game.device, FeatureCache(paths.features()))) as scorer:
        yield selection(scorer, f"{judge.name}-{judge.digest[:SHORT]}")


def finished(game: Game, rules: Rules, selection: Selection | None) -> bool:
    """Whether nothing is left to do."""
    return game.images_seen >= rules.total and (selection is None or not selection.owed(game, rules))


def tell(
    played: Iterable[Progress],
    game: Game,
    selection: Selection | None,
    data: PreparedData,
    checkpoints: CheckpointFolder,
    live: tracking.Live,
    rules: Rules,
) -> None:
    """Plays the game and says how it goes: on a bar, to MLflow, in pictures, on the page."""
    # Not where DVC looks for the output: after a kill, that place must be free for the earlier page.
    clock, page = Clock(game.images_seen), checkpoints.folder / "training.html"
    manners = {"unit": "img", "unit_scale": True, **stage.bar_manners()}
    with tqdm(total=rules.total, initial=clock.before, desc="train", **manners) as bar:
        for progress in played:
            show(bar, progress, None if selection is None else selection.in_short(game.history))
            for numbers in (progress.report, progress.scores):
                if numbers is not None:
                    live.log(progress.images_seen, numbers)
            if progress.picture_due:
                picture = sample_grid(game, data)
                pictures.write_png(checkpoints.folder / "grids" / f"{progress.images_seen:09d}.png", picture)
                live.picture(progress.images_seen, picture)
                if blocks.can_show(terminal=sys.stderr.isatty()):
                    bar.write(blocks.drawn(picture, shutil.get_terminal_size().columns), file=sys.stderr)
                if game.history:
                    if not page.is_file():
                        bar.write(f"page while it lasts: {page}")
                    write_page(game, rules, checkpoints, html=page, pace=clock.pace(progress.images_seen))


class Clock:
    """How fast it goes, this time: it is of no result."""

    def __init__(self, images_seen: int) -> None:
        self.began, self.before = time.monotonic(), images_seen

    def pace(self, images_seen: int) -> training_page.Pace:
        """Up to now; a training that goes on has seen images that took this process no time."""
        seconds = max(time.monotonic() - self.began, 1e-3)
        return training_page.Pace(max(images_seen - self.before, 1) / seconds, seconds)


def write_page(
    game: Game, rules: Rules, checkpoints: CheckpointFolder, *, html: Path, pace: training_page.Pace | None = None
) -> None:
    """The page as far as the training has come; of one that is over it says nothing of time, so that equal trainings
    leave equal bytes."""
    grids = {int(path.stem): path.read_bytes() for path in grids_of(checkpoints)}
    training_page.write(game.history, grids, rules, html=html, pace=pace)


def grids_of(checkpoints: CheckpointFolder) -> list[Path]:
    """What was drawn on the way, oldest first."""
    return sorted((checkpoints.folder / "grids").glob("*.png"))


def describe(settings: Settings, data: PreparedData) -> Description:
    """What is to be trained on this data; UserError where the settings contradict it."""
    conditional = settings.train.conditional
    if conditional and not data.classes:
        raise UserError(
            "train.conditional is true but the prepared data has no classes; set it to false, "
            "or prepare pictures with a class per subfolder."
        )
    sees_classes = bool(data.classes) if conditional is None else conditional
    counts = np.bincount(data.train.labels, minlength=len(data.classes)) if sees_classes else np.zeros(0)
    return Description(
        network=settings.network.name,
        network_options=settings.network.options,
        image_shape=data.image_shape,
        latent_dim=settings.latent.dim,
        latent_distribution=settings.latent.distribution,
        classes=data.classes if sees_classes else (),
        images_seen=0,
        class_counts=tuple(int(count) for count in counts),
        kind=data.kind,
        packing=settings.train.packing,
    )


def show(bar: "tqdm[None]", progress: Progress, scores: str | None = None) -> None:
    """Moves the bar, which adds rate and time left; `scores` are the newest and the best."""
    bar.update(progress.images_seen - bar.n)
    if progress.notice:
        bar.write(progress.notice)
    if progress.report:
        report = progress.report
        losses = ", ".join(f"{short}={report[name]:.3f}" for name, short in SHOWN.items())
        bar.set_postfix_str(f"{losses}, {scores}" if scores else losses, refresh=False)


def sample_grid(game: Game, data: PreparedData) -> Picture:
    """The same latents every time, so that the grids show one game unfolding."""
    if data.kind == "points":
        points, labels = sampling.sample_cloud(game.averaged, game.description, seed=0, count=scatter.SHOWN)
        return scatter.overview(points, None if labels is None else labels.numpy(), data.train)
    sheet = sampling.sample_sheet(game.averaged, game.description, seed=0, columns=GRID_COLUMNS)
    return pictures.labelled_grid(sheet.pixels, columns=sheet.columns, row_names=sheet.row_names)


def write_outputs(
    game: Game, selection: Selection | None, origin: lineage.Lineage, checkpoints: CheckpointFolder
) -> None:
    """Everything that DVC tracks of a training, the same bytes for the same training."""
    with files.whole_folder(paths.GAN) as folder:
        bundle.save_gan(folder, *kept(game, selection), game.discriminator)
        lineage.write(folder, origin)
    with files.whole_folder(paths.TRAINING_GRIDS) as folder:
        for grid in grids_of(checkpoints):
            shutil.copy(grid, folder)
    text = io.StringIO()
    # Scores have columns even where there are none, for the plots that dvc.yaml draws of them.
    columns = dict.fromkeys([*game.history[0], *SIGNS])
    writer = csv.DictWriter(text, fieldnames=list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(game.history)
    files.write_text(paths.HISTORY, text.getvalue())


def kept(game: Game, selection: Selection | None) -> tuple[Description, Generator]:
    """The generator that the training leaves, and what is to be said of it."""
    if selection is None:
        return dataclasses.replace(game.description, images_seen=game.images_seen), game.averaged
    best = copy.deepcopy(game.averaged)
    best.load_state_dict(game.best)
    seen = int(selection.best(game.history)["images_seen"])
    return dataclasses.replace(game.description, images_seen=seen, chosen=selection.chosen(game.history)), best


if __name__ == "__main__":
    stage.main(run)
