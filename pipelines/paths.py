"""Where stages read and write, relative to the project's folder; dvc.yaml wires the same paths."""

from pathlib import Path

PREPARED = Path("data/prepared")
GAN = Path("models/gan")
CLASSIFIER = Path("models/classifier")
SAMPLES = Path("samples")
HISTORY = Path("reports/history.csv")
TRAINING_GRIDS = Path("reports/training")
GRID = Path("reports/grid.png")
INTERPOLATION = Path("reports/interpolation.png")
CLASSIFIER_METRICS = Path("metrics/classifier.json")
EVALUATION = Path("metrics/evaluate.json")
PUBLISHED = Path("reports/published.json")

STATE = Path(".ganlib")
"""What belongs to this machine and is no result: checkpoints, locks, feature caches."""


def checkpoints() -> Path:
    """Where trainings are saved, a folder for each lineage key."""
    return STATE / "checkpoints"
