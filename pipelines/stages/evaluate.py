"""FID, IS, KID, precision, recall and what D says: every number with its protocol and its floor."""

import json

from ganlib import bundle, evaluation, files
from ganlib.device import choose
from ganlib.features import open_extractor
from ganlib.metrics import Counts
from ganlib.prepared import open_prepared
from ganlib.settings import Settings
from pipelines import paths, stage


def run(settings: Settings) -> None:
    """Judges samples/ against the training pictures of data/prepared."""
    chosen = settings.evaluate
    device = choose(settings.device)
    data = open_prepared(paths.PREPARED)
    samples = evaluation.open_samples(paths.SAMPLES, data)
    evaluation.check(chosen, Counts(len(samples), len(data.train), len(data.heldout)))
    extractor = open_extractor(
        chosen.extractor,
        data.kind,
        weights=chosen.weights,
        weights_sha256=chosen.weights_sha256,
        trained=paths.CLASSIFIER,
        device=device,
    )
    discriminator, description = bundle.load_discriminator(paths.GAN, device=str(device))
    # A discriminator of packs has no opinion of one picture.
    judges_alone = discriminator if description.packing == 1 else None
    judge = evaluation.Judge(extractor, judges_alone, bool(description.classes), device)
    evidence = evaluation.gather(samples, data, judge, batch_size=chosen.batch_size)
    protocol = evaluation.protocol(evidence, data, extractor, chosen, sample_seed=settings.sample.seed)
    report = {"protocol": protocol, **evaluation.measure(evidence, chosen)}
    # NaN would not be JSON, and no number may be one.
    files.write_text(paths.EVALUATION, json.dumps(report, indent=2, allow_nan=False) + "\n")
    print(evaluation.table(report))


if __name__ == "__main__":
    stage.main(run)
