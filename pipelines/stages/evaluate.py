"""Every metric with its protocol, its interval and its floor; a page that says what they mean."""

import dataclasses
import json

import torch

from ganlib import bundle, evaluation, evaluation_page, files, report
from ganlib.device import choose
from ganlib.feature_cache import FeatureCache
from ganlib.metrics import Counts
from ganlib.prepared import PreparedData, open_prepared
from ganlib.settings import EvaluateSettings, Settings
from pipelines import paths, stage


def run(settings: Settings) -> None:
    """Judges samples/ against the training pictures of data/prepared, beside the held-out ones."""
    chosen = settings.evaluate
    device = choose(settings.device)
    data = open_prepared(paths.PREPARED)
    samples = evaluation.open_samples(paths.SAMPLES, data)
    evaluation.check(chosen, Counts(len(samples), len(data.train), len(data.heldout)))
    judge = judge_of(data, chosen, device)
    cache = FeatureCache(paths.features())
    evidence = evaluation.gather(samples, data, judge, batch_size=chosen.batch_size, cache=cache)
    protocol = evaluation.protocol(evidence, data, judge.extractor, chosen, sample_seed=settings.sample.seed)
    found = {"protocol": protocol, **evaluation.measure(evidence, chosen)}
    # NaN would not be JSON, and no number may be one.
    numbers, details = (json.dumps(each, indent=2, allow_nan=False) for each in (report.numbers_of(found), found))
    drawn = {"grid": paths.GRID, "interpolation": paths.INTERPOLATION}
    pictures = {name: path.read_bytes() if path.is_file() else None for name, path in drawn.items()}
    evaluation_page.write(found, samples, data, html=paths.EVALUATION_PAGE, **pictures)
    with files.whole_folder(paths.EVALUATION_TABLES) as folder:
        for name, text in evaluation_page.tables(found).items():
            files.write_text(folder / name, text)
    files.write_text(paths.EVALUATION_DETAILS, details + "\n")
    files.write_text(paths.EVALUATION, numbers + "\n")
    print(f"{report.table(found)}\nevaluation: {paths.EVALUATION_PAGE}")


def judge_of(data: PreparedData, chosen: EvaluateSettings, device: torch.device) -> evaluation.Judge:
    """All networks that look at pictures: the extractor, the data's own classifier, the players in models/gan."""
    discriminator, description = bundle.load_discriminator(paths.GAN, device=str(device))
    generator, _ = bundle.load_generator(paths.GAN, device=str(device))
    return dataclasses.replace(
        evaluation.open_judge(data, chosen, paths.CLASSIFIER, device),
        # A discriminator of packs has no opinion of one picture.
        discriminator=discriminator if description.packing == 1 else None,
        conditional=bool(description.classes),
        generator=generator,
        description=description,
    )


if __name__ == "__main__":
    stage.main(run)
