"""Pictures from the trained generator: reads models/gan, writes samples, a grid and an interpolation."""

import numpy as np
import torch
from tqdm import tqdm

from ganlib import bundle, files, pictures, sampling
from ganlib.device import choose
from ganlib.images import Picture
from ganlib.latents import sample_latents
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
        shape = (wanted.n, *description.image_shape)
        pixels = np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
        written = 0
        with tqdm(total=wanted.n, desc="sample", unit="img", unit_scale=True, **stage.bar_manners()) as bar:
            for batch in sampling.generate(generator, latents, labels, batch_size=wanted.batch_size):
                pixels[written : written + len(batch)] = batch.numpy()
                written += len(batch)
                bar.update(len(batch))
        pixels.flush()
        np.save(folder / "labels.npy", torch.full((wanted.n,), -1) if labels is None else labels)
    sheet = sampling.sample_sheet(generator, description, seed=wanted.seed, columns=wanted.grid_columns)
    pictures.write_png(paths.GRID, drawn(sheet))
    sheet = sampling.interpolation_sheet(generator, description, seed=wanted.seed, steps=wanted.interpolation_steps)
    pictures.write_png(paths.INTERPOLATION, drawn(sheet))


def drawn(sheet: Sheet) -> Picture:
    """The sheet as a labelled grid."""
    return pictures.labelled_grid(sheet.pixels, columns=sheet.columns, row_names=sheet.row_names)


if __name__ == "__main__":
    stage.main(run)
