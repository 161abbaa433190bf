"""The small classifier that the default metrics look through; or, without classes, the note that there is none."""

import json

from ganlib import files
from ganlib.device import choose
from ganlib.features import classifier
from ganlib.prepared import open_prepared
from ganlib.settings import Settings
from pipelines import paths, stage


def run(settings: Settings) -> None:
    """Trains on the training pictures and counts how many held-out ones are named rightly."""
    device = choose(settings.device)
    data = open_prepared(paths.PREPARED)
    reason = classifier.why_untrainable(data)
    metrics: dict[str, object]
    with files.whole_folder(paths.CLASSIFIER) as folder:
        if reason is None:
            network = classifier.train(data, settings.classifier, device=device)
            classifier.save_classifier(folder, network, data_digest=data.digest)
            splits = {"heldout": data.heldout, "train": data.train}
            found = {side: classifier.accuracies(network, split) for side, split in splits.items()}
            metrics = {
                **{f"{side}_{name}": value for side, shares in found.items() for name, value in shares.items()},
                "heldout_count": len(data.heldout),
                "train_count": len(data.train),
                "classes": len(data.classes),
            }
        else:
            classifier.save_absence(folder, reason)
            metrics = {"absent": reason}
    files.write_text(paths.CLASSIFIER_METRICS, json.dumps(metrics, indent=2) + "\n")
    print("classifier: " + ", ".join(f"{name} {value}" for name, value in metrics.items()))


if __name__ == "__main__":
    stage.main(run)
