"""Where to look after a run: files first, which are there at once, then what MLflow knows."""

from rich.console import Console
from rich.text import Text

from ganlib import report
from ganlib.errors import UserError
from ganlib.settings import Settings
from pipelines import outputs, paths, registry, tracking, trainings

MARGIN = "  "


def show(settings: Settings) -> None:
    """Prints the summary; a store that is away costs its lines, not the rest."""
    console = Console(soft_wrap=True, highlight=False)
    found = outputs.read()
    console.print()
    for one in trainings.newest():
        if one.state == "at work":
            _line(
                console, "at work", f"{one.sign.name}: {one.drawn:,} of {one.sign.total:,} images, {one.page.resolve()}"
            )
    looked_at = {
        "evaluation": paths.EVALUATION_PAGE, "training": paths.TRAINING_PAGE, "grid": paths.GRID,
        "interpolation": paths.INTERPOLATION,
    }  # fmt: skip
    for name, path in {**looked_at, "curves": paths.HISTORY}.items():
        if path.is_file():
            _line(console, name, str(path.resolve()))
    if found.evaluation is not None:
        console.print(Text(f"\n{report.table(found.evaluation)}\n"))
        if accuracy := outputs.numeric_leaves(found.classifier or {}).get("heldout_accuracy"):
            _line(console, "classifier", f"names {accuracy:.1%} of the held-out pictures rightly")
    for name, text in _in_mlflow(settings, found):
        _line(console, name, text)
    console.print("\nNext:")
    for command, meaning in next_commands(settings):
        console.print(Text(f"{MARGIN}{command:<44}{meaning}"))


def next_commands(settings: Settings) -> list[tuple[str, str]]:
    """What is worth typing next."""
    longer = settings.train.kimg * 2
    return [
        ("make ui", "runs and the registered generator in MLflow, and the project's pages"),
        (f"dvc exp run -S train.kimg={longer:g}", "another training, beside this one"),
        ("dvc exp show", "compare the experiments"),
    ]


def _in_mlflow(settings: Settings, found: outputs.Outputs) -> list[tuple[str, str]]:
    try:
        shown = registry.look(settings, found)
    except UserError as away:
        return [("MLflow", str(away))]
    if shown is None:
        return [("MLflow", "has no run of this generator yet; make it: ganlib sync")]
    uri = tracking.tracking_uri()
    page = tracking.run_page(shown.experiment_id, shown.run_id)
    opened = "" if uri.startswith("http") else " (after: make ui)"
    lines = [("MLflow run", f"{shown.run_name}, {page}{opened}")]
    if shown.model is None:
        return [*lines, ("generator", "is not registered; register it: dvc repro publish")]
    aliases = "".join(f" @{alias}" for alias in shown.aliases)
    lines.append(("generator", f"{shown.model} version {shown.version}{aliases}"))
    if found.evaluation is not None and found.published is None:
        lines.append(("numbers", "those above are not in the registry yet; publish them: dvc repro publish"))
    return lines


def _line(console: Console, name: str, text: str) -> None:
    console.print(Text(f"{name:<16}{text}"))
