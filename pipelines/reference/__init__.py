"""docs/reference as the code has it: `python -m pipelines.reference` writes the pages, and a test holds them to it."""

from pathlib import Path

FOLDER = Path("docs/reference")


def pages(root: Path) -> dict[Path, str]:
    """What each file below root/docs/reference should hold."""
    from . import commands, components, metrics, settings

    texts = {
        "settings": settings.page(root / "params.yaml"),
        "components": components.page(),
        "metrics": metrics.page(),
        "commands": commands.page(),
    }
    return {root / FOLDER / f"{name}.md": f"{text.rstrip()}\n" for name, text in texts.items()}
