"""Generator against discriminator: reads data/prepared, writes models/gan, the history and sample grids."""

import csv
import dataclasses
import io
import shutil

import numpy as np
from tqdm import tqdm

from ganlib import bundle, components, files, pictures, sampling, scatter
from ganlib.bundle import Description
from ganlib.checkpoint import CheckpointFolder
from ganlib.device import choose, settle_threads
from ganlib.errors import UserError
from ganlib.game import Game, new_game
from ganlib.images import Picture
from ganlib.losses import GanLoss
from ganlib.penalties import Penalty
from ganlib.prepared import PreparedData, open_prepared
from ganlib.settings import Settings
from ganlib.training import Progress, Rules, train
from pipelines import lineage, paths, preflight, stage, tracking

GRID_COLUMNS = 10
SHOWN = {"discriminator_loss": "D", "generator_loss": "G"}


def run(settings: Settings) -> None:
    """Trains, or goes on where an earlier run with the same settings, code and data was stopped."""
    device = choose(settings.device)
    data = open_prepared(paths.PREPARED)
    preflight.before_training(settings, data)
    description = describe(settings, data)
    rules = Rules(
        loss=components.build(GanLoss, settings.loss.name, settings.loss.options, section="loss"),
        penalty=components.build(Penalty, settings.penalty.name, settings.penalty.options, section="penalty"),
        settings=settings.train,
    )
    game = new_game(description, settings.train, device)
    if device.type == "cpu":
        settle_threads(game.discriminator, description.fit, settings.train.batch_size)
    origin = lineage.of_training(settings, data.digest)
    checkpoints = CheckpointFolder(paths.checkpoints() / origin.key)
    with tracking.live(settings, origin, device=str(device)) as live, stage.stop_signals() as stop:
        with tqdm(total=rules.total, desc="train", unit="img", unit_scale=True, **stage.bar_manners()) as bar:
            for progress in train(game, rules, data.train, checkpoints=checkpoints, stop=stop):
                show(bar, progress)
                if progress.report:
                    live.log(progress.images_seen, progress.report)
                if progress.picture_due:
                    picture = sample_grid(game, data)
                    pictures.write_png(checkpoints.folder / "grids" / f"{progress.images_seen:09d}.png", picture)
                    live.picture(progress.images_seen, picture)
        if game.images_seen < rules.total:
            raise stage.Resumable(f"Stopped at {game.images_seen:,} of {rules.total:,} images; everything is saved.")
        write_outputs(game, origin, checkpoints)
        live.finished()


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
    )


def show(bar: "tqdm[None]", progress: Progress) -> None:
    """Moves the bar, which adds rate and time left."""
    bar.update(progress.images_seen - bar.n)
    if progress.notice:
        bar.write(progress.notice)
    if progress.report:
        report = progress.report
        bar.set_postfix({short: f"{report[name]:.3f}" for name, short in SHOWN.items()}, refresh=False)


def sample_grid(game: Game, data: PreparedData) -> Picture:
    """The same latents every time, so that the grids show one game unfolding."""
    if data.kind == "points":
        points, labels = sampling.sample_cloud(game.averaged, game.description, seed=0, count=scatter.SHOWN)
        return scatter.overview(points, None if labels is None else labels.numpy(), data.train)
    sheet = sampling.sample_sheet(game.averaged, game.description, seed=0, columns=GRID_COLUMNS)
    return pictures.labelled_grid(sheet.pixels, columns=sheet.columns, row_names=sheet.row_names)


def write_outputs(game: Game, origin: lineage.Lineage, checkpoints: CheckpointFolder) -> None:
    """Everything that DVC tracks of a training, the same bytes for the same training."""
    with files.whole_folder(paths.GAN) as folder:
        description = dataclasses.replace(game.description, images_seen=game.images_seen)
        bundle.save_gan(folder, description, game.averaged, game.discriminator)
        lineage.write(folder, origin)
    with files.whole_folder(paths.TRAINING_GRIDS) as folder:
        for grid in sorted((checkpoints.folder / "grids").glob("*.png")):
            shutil.copy(grid, folder)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(game.history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(game.history)
    files.write_text(paths.HISTORY, text.getvalue())


if __name__ == "__main__":
    stage.main(run)
