"""A sweep as a page: settings with several seeds each, the best first, the metric over what was swept, and pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from .. import files
from ..errors import UserError
from ..evaluation_page import measured, reading
from ..html.page import Section
from . import sections
from .page import page
from .trials import Setting, Trial, rivals, said, settings_of, value_said

__all__ = ["Setting", "Trial", "rivals", "said", "settings_of", "value_said", "write"]


def write(
    trials: Sequence[Trial],
    metric: str,
    *,
    html: Path,
    planned: int | None = None,
    noun: Literal["picture", "point"] = "picture",
) -> None:
    """Writes the page, whole or not at all; equal input gives equal bytes.

    planned: how many trainings the sweep is of, where not all are there yet. UserError where the protocols differ.
    """
    reports = [trial.report for trial in trials if trial.report is not None]
    names = {str(reading.words(report).get("name", "")) for report in reports}
    if len(names) > 1:
        raise UserError(
            f"The trainings were scored by different protocols ({', '.join(sorted(names))}), and such numbers cannot "
            f"be compared; sweep nothing that decides how they are scored."
        )
    settings = settings_of(trials, metric)
    first = reports[0] if reports else {}
    parts: list[Section | None] = [
        sections.ranking(settings),
        sections.swept(settings),
        sections.pictures(settings, noun),
        sections.trials(settings),
        measured.protocol(first) if first else None,
    ]
    made = page(settings, [part for part in parts if part is not None], first, planned or len(trials), noun)
    files.write_text(html, made)
