"""A source of pictures becomes one array with labels, a manifest, a held-out split and a data card."""

from pathlib import Path
from typing import Any

from ganlib.datasets import build_source
from ganlib.settings import DataSettings, Settings
from pipelines import paths, stage


def run(settings: Settings) -> None:
    """Writes data/prepared from what data.source names, and says in a few lines what it is and what was left out."""
    from ganlib import data_card
    from ganlib.preparation import prepare
    from pipelines import preflight

    preflight.before_preparing(settings)
    source = build_source(settings.data)
    prepared = prepare(source, settings.data, paths.PREPARED, processes=settings.workers or stage.cores())
    data_card.write(
        paths.PREPARED, prepared.description, prepared.near_pairs, html=paths.DATA_CARD, facts=paths.DATA_FACTS
    )
    print("\n".join([summary(prepared.description), *notices(prepared.description, settings.data)]))


def summary(description: dict[str, Any]) -> str:
    """How many, of what shape, which data it is, and what somebody may not have expected."""
    counts = description["counts"]
    parts = [
        f"prepared {counts['train']} training and {counts['heldout']} held-out {description['kind']}",
        "x".join(str(size) for size in description["shape"]) + " (channels x height x width)",
        f"{len(description['classes'])} classes" if description["classes"] else "no classes",
        *(f"no {split} picture of {name}" for split, name in missing_classes(description)[:3]),
        f"digest {description['digest'][:12]}",
    ]
    return ", ".join(parts)


def notices(description: dict[str, Any], settings: DataSettings) -> list[str]:
    """A line for each thing that a person should know, the data card last."""
    source, near = description["source"], description["preparation"].get("near_duplicates", {})
    lines = [str(note) for note in source["notes"]]
    if source["refused"]:
        reasons = ", ".join(f"{count} {reason}" for reason, count in source["refused"].items())
        lines.append(f"{sum(source['refused'].values())} of {source['files']} files are left out: {reasons}")
    if near.get("pairs") and settings.near_duplicates == "keep":
        lines.append(
            f"{near['pairs']} {'pair' if near['pairs'] == 1 else 'pairs'} of near duplicates, {near['straddling']} "
            f"of them across the split "
            f"(data.near_duplicates: drop leaves out the later ones)"
        )
    if settings.path and Path(f"{settings.path}.dvc").exists() and settings.watch != settings.path:
        lines.append(
            f"DVC tracks {settings.path}: set data.watch to it, and dvc repro prepares anew whenever it changes"
        )
    return [*lines, f"data card: {paths.DATA_CARD}"]


def missing_classes(description: dict[str, Any]) -> list[tuple[str, str]]:
    """(split, class) wherever a split happens to hold none of the class."""
    words = {"train": "training", "heldout": "held-out"}
    counts = description["class_counts"]
    return [(words[split], name) for split in words for name, count in counts[split].items() if count == 0]


if __name__ == "__main__":
    stage.main(run)
