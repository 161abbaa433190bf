"""Pictures, or points, from the trained generator: reads models/gan, writes samples, a grid and an interpolation."""

import numpy as np
import torch
from tqdm import tqdm

from ganlib import bundle, files, pictures, sampling, scatter
from ganlib.device import choose
from ganlib.images import Picture
from ganlib.latents import sample_latents
from ganlib.prepared import STORED_AS, open_prepared
from ganlib.sampling import Sheet
from ganlib.settings import Settings
from pipelines import paths, stage


def run(settings: Settings) -> None:
    """N images, their labels (-1 without classes), and what a person looks at."""
    wanted = settings.sample
    generator, description = bundle.load_generator(paths.GAN, device=str(choose(settings.device)))
    indices = range(wanted.n)
    latents = sample_latents(
        wanted.seed, indices, dim=description.latent_dim, distribution=description.latent_distribution
    )
    labels = sampling.sample_labels(wanted.seed, indices, description.class_counts) if description.classes else None
    with files.whole_folder(paths.SAMPLES) as folder:
        shape, stored_as = (wanted.n, *description.image_shape), STORED_AS[description.kind]
        pixels = np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=stored_as, shape=shape)
        written = 0
        with tqdm(total=wanted.n, desc="sample", unit="img", unit_scale=True, **stage.bar_manners()) as bar:
            for batch in sampling.generate(generator, latents, labels, batch_size=wanted.batch_size):
                pixels[written : written + len(batch)] = batch.numpy()
                written += len(batch)
                bar.update(len(batch))
        pixels.flush()
        np.save(folder / "labels.npy", torch.full((wanted.n,), -1) if labels is None else labels)
    way = sampling.interpolation_sheet(generator, description, seed=wanted.seed, steps=wanted.interpolation_steps)
    if description.kind == "points":
        grid, interpolation = plotted(way)
    else:
        sheet = sampling.sample_sheet(generator, description, seed=wanted.seed, columns=wanted.grid_columns)
        grid, interpolation = drawn(sheet), drawn(way)
    pictures.write_png(paths.GRID, grid)
    pictures.write_png(paths.INTERPOLATION, interpolation)


def plotted(way: Sheet) -> tuple[Picture, Picture]:
    """The points that were just written beside the training points, and ways between some of them."""
    train = open_prepared(paths.PREPARED).train
    points, labels = (np.load(paths.SAMPLES / name, mmap_mode="r") for name in ("images.npy", "labels.npy"))
    known = None if labels[0] < 0 else np.array(labels)
    return scatter.overview(np.array(points), known, train), scatter.ways(way.pixels, way.columns, train)


def drawn(sheet: Sheet) -> Picture:
    """The sheet as a labelled grid."""
    return pictures.labelled_grid(sheet.pixels, columns=sheet.columns, row_names=sheet.row_names)


if __name__ == "__main__":
    stage.main(run)
