"""Where stages read and write, relative to the project's folder; dvc.yaml wires the same paths."""

from pathlib import Path

PREPARED = Path("data/prepared")
DATA_CARD = Path("reports/data.html")
DATA_FACTS = Path("reports/data.json")
GAN = Path("models/gan")
CLASSIFIER = Path("models/classifier")
SAMPLES = Path("samples")
HISTORY = Path("reports/history.csv")
TRAINING_GRIDS = Path("reports/training")
TRAINING_PAGE = Path("reports/training.html")
GRID = Path("reports/grid.png")
INTERPOLATION = Path("reports/interpolation.png")
CLASSIFIER_METRICS = Path("metrics/classifier.json")
EVALUATION = Path("metrics/evaluate.json")
EVALUATION_DETAILS = Path("reports/evaluation.json")
EVALUATION_PAGE = Path("reports/evaluation.html")
EVALUATION_TABLES = Path("reports/evaluation")
PUBLISHED = Path("reports/published.json")
COMPARISON_PAGE = Path("reports/compare.html")
SWEEP_PAGE = Path("reports/sweep.html")
GAME_PAGE = Path("reports/game.html")

STATE = Path(".ganlib")
"""What belongs to this machine and is no result: checkpoints, locks, feature caches."""

SWEEP = STATE / "sweep"
"""Where a sweep's trainings have their folders: copies of the project that share its store and checkpoints."""


def main_folder(project: Path | None = None) -> Path:
    """The folder whose store a project folder shares: its own, unless it is a copy that DVC, git or we made of another.

    `dvc exp run --temp` and `--queue` work in clones under `.dvc/tmp/exps` of the main folder, a sweep under
    `.ganlib/sweep`; a git worktree points to its main checkout.
    """
    folder = (project or Path.cwd()).resolve()
    for parent in folder.parents:
        if parent.parts[-3:] == (".dvc", "tmp", "exps"):
            return main_folder(parent.parents[2])
        if parent.parts[-2:] == SWEEP.parts:
            return main_folder(parent.parents[1])
    for checkout in (folder, *folder.parents):
        link = checkout / ".git"
        if link.is_file():
            common = _common_git_folder(link)
            return common.parent / folder.relative_to(checkout) if common.name == ".git" else folder
        if link.is_dir():
            break
    return folder


def _common_git_folder(link: Path) -> Path:
    """The git folder that a worktree's `.git` file leads to; for a submodule one that is not called `.git`."""
    git_folder = (link.parent / link.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()
    pointer = git_folder / "commondir"
    return (git_folder / pointer.read_text(encoding="utf-8").strip()).resolve() if pointer.is_file() else git_folder


def checkpoints() -> Path:
    """Where trainings are saved, a folder for each lineage key: in the main folder, which outlives DVC's copies."""
    return main_folder() / STATE / "checkpoints"


def features() -> Path:
    """Where features of real pictures are kept, shared likewise."""
    return main_folder() / STATE / "features"
