"""The section of training curves, each generator's over the others'."""

from collections.abc import Sequence

from ..html.markup import Markup, element
from ..html.page import Section
from .charts import curves as drawn
from .contestants import LETTERS, Contestant

PANELS = {
    "fid": ("FID on the way", "Of the averaged generator against held-out pictures; lower is better."),
    "generator_loss": ("Generator's loss", "Comparable only between trainings with the same loss."),
    "discriminator_loss": ("Discriminator's loss", "Comparable only between trainings with the same loss."),
    "penalty": ("Penalty", "On the discriminator's gradient, where the game has one."),
    "real_probability": ("What D says of real pictures", "A half where it cannot tell."),
    "fake_probability": ("What D says of generated pictures", "A half where it cannot tell."),
    "heldout_accuracy": (
        "D on held-out pictures", "Share judged rightly; far below that of training pictures, D knows those by heart.",
    ),
    "augmentation_p": ("Strength of the augmentation", "The probability with which it is applied."),
}  # fmt: skip
"""Names of numbers in the history that have a chart, with its title and what it means."""


def curves(contestants: Sequence[Contestant]) -> Section:
    """A chart for each number that one of them has a history of."""
    content: list[Markup] = [
        element("p", f"{LETTERS[place]} has no curves: {one.no_curves}.", class_="soft")
        for place, one in enumerate(contestants)
        if one.no_curves
    ]
    figures = []
    for name, (title, caption) in PANELS.items():
        shown = [(place, one.curves[name]) for place, one in enumerate(contestants) if one.curves.get(name)]
        ends = ", ".join(f"{LETTERS[place]} ends at {curve[-1][1]:.3g}" for place, curve in shown)
        if shown and (chart := drawn(shown, label=f"{title} over images shown: {ends}")):
            figures.append(element("figure", element("h3", title), chart, element("figcaption", caption)))
    if figures:
        content.append(element("div", *figures, class_="charts"))
    return "curves", "How they were trained", content or [element("p", "There are no curves.", class_="soft")]
