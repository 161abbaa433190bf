"""Made-up generators to compare, and their page."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluation_reports import measured, whole
from prepared_folder import some

from ganlib import comparison_page
from ganlib.comparison_page import Contestant, Looks
from ganlib.evaluation_page.reading import Pair


def report(shift: float = 0.0, **more: Any) -> dict[str, Any]:
    """Of everything something; by `shift` the FID is greater, the recall and the class accuracy smaller."""
    moved = {
        "fid": measured(4.0 + shift, 0.2, 2.0), "recall": measured(0.5 - shift / 10, 0.02, 0.8),
        "class_accuracy": measured(0.9 - shift / 100, 0.02, 0.95), "c_t": measured(0.3 + shift, 1.0, 0.1),
    }  # fmt: skip
    return {**whole(), **moved, **more}


def looks(seed: int, classes: Sequence[str] = ("cat", "dog")) -> Looks:
    """Noise of 8 x 8."""
    return Looks(
        first=some(6, 1, seed=seed),
        classes=[classes[number % len(classes)] for number in range(6)] if classes else (),
        by_class={name: some(3, 1, seed=seed + 1) for name in classes},
        nearest=[(Pair(row, row, 0.5, None, 0.02), some(1, 1, seed=seed)[0], some(1, 1)[0]) for row in range(4)],
    )


def contestant(name: str, *, shift: float = 0.0, **more: Any) -> Contestant:
    made = Contestant(
        name=name,
        facts=[("network", "mlp"), ("images seen", "3,000")],
        report=report(shift),
        latents="8 normal numbers",
        curves={"generator_loss": [(1000 * step, step + shift) for step in range(1, 9)]},
        settings={"loss.name": "hinge", "train.lr": 0.1 + shift, "train.kimg": 3},
        looks=looks(round(10 * shift)),
    )
    return replace(made, **more)


def page(folder: Path, contestants: Sequence[Contestant], **more: Any) -> str:
    html = folder / "compare.html"
    comparison_page.write(contestants, html=html, **more)
    return html.read_text(encoding="utf-8")
