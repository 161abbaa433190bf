"""A source of pictures becomes one uint8 array with labels, a manifest and a held-out split."""

from typing import Any

from ganlib.datasets import build_source
from ganlib.settings import Settings
from pipelines import paths, stage


def run(settings: Settings) -> None:
    """Writes data/prepared from what data.source names, and says in one line what it is."""
    from ganlib.preparation import prepare
    from pipelines import preflight

    preflight.before_preparing(settings)
    print(summary(prepare(build_source(settings.data), settings.data, paths.PREPARED)))


def summary(description: dict[str, Any]) -> str:
    """How many, of what shape, which data it is, and what somebody may not have expected."""
    counts, ignored = description["counts"], description["source"]["ignored_files"]
    parts = [
        f"prepared {counts['train']} training and {counts['heldout']} held-out pictures",
        "x".join(str(size) for size in description["shape"]) + " (channels x height x width)",
        f"{len(description['classes'])} classes" if description["classes"] else "no classes",
        *(f"no {split} picture of {name}" for split, name in missing_classes(description)),
        *([f"{ignored} files ignored that are no pictures"] if ignored else []),
        f"digest {description['digest'][:12]}",
    ]
    return ", ".join(parts)


def missing_classes(description: dict[str, Any]) -> list[tuple[str, str]]:
    """(split, class) wherever a split happens to hold none of the class."""
    words = {"train": "training", "heldout": "held-out"}
    counts = description["class_counts"]
    return [(words[split], name) for split in words for name, count in counts[split].items() if count == 0]


if __name__ == "__main__":
    stage.main(run)
