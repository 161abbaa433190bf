"""The training's page: first whether all is well, then how its pictures came about, then the curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .. import diagnostics
from ..diagnostics import Row
from ..html.markup import Markup, element
from ..html.page import Section, contents, document, tiles
from ..rules import Rules
from ..strokes import slider, svg
from . import charts, grids

STYLE = """
img.grid { max-width: 100%; height: auto; }
.look.good h2::before { content: "✓  "; }
.look h2 { font-size: 1rem; }
"""

SCRIPT = (
    slider.SCRIPT
    + """
if (parent !== window) {
  let told = 0;
  const tell = () => {
    const height = document.documentElement.offsetHeight;
    if (height !== told) parent.postMessage({ height: told = height }, "*");
  };
  addEventListener("load", tell);
  new ResizeObserver(tell).observe(document.documentElement);
  setInterval(tell, 500); // the observer waits where the page is not in sight, and its first width may be no true one
}
"""
)
"""Inside another page it says how high it is, so that it needs no scroll bar of its own there."""

WATCHED = (
    ("D has won", "pair_accuracy", "above 0.995", "D ranks nearly every real picture above a generated one: to G all "
     "its pictures are equally wrong, and it no longer learns which way is better."),
    ("G is collapsing", "feature_spread", "below 0.1", "To D the generated pictures are nearly all alike: G has found "
     "a few that pass and makes nothing else."),
    ("D overfits", "overfitting", "above 0.6", "D has learnt its training pictures by heart: it takes held-out ones, "
     "which are just as real, for generated, and leads G to copies or astray."),
)  # fmt: skip
"""What diagnostics.py looks for: name, column of the history, limit, and what it means."""


@dataclass(frozen=True)
class Pace:
    """Of a training that is not over."""

    images_a_second: float
    seconds_so_far: float

    def seconds_left(self, images: int) -> float:
        """For so many more images, if it goes on like this."""
        return images / self.images_a_second


def page(history: Sequence[Row], pictures: Mapping[int, bytes], rules: Rules, pace: Pace | None) -> Markup:
    """The whole document."""
    seen = int(history[-1]["images_seen"]) if history else 0
    over = seen >= rules.total
    said = warnings(history, rules)
    sections: list[Section] = []
    if (shown := grids.over_time(pictures)) is not None:
        caption = "Always from the same latents, by the averaged generator: one picture learning."
        sections.append(("grids", "How its pictures came about", [element("p", caption, class_="soft"), shown]))
    if figures := charts.figures(history):
        sections.append(("curves", "Curves", [element("div", *figures, class_="charts")]))
    sections.append(("watched", "What is watched", [_watched(history)]))
    title = f"{seen:,} images" if over else f"{seen:,} of {rules.total:,} images so far"
    header = element(
        "header",
        element("p", "Training", class_="eyebrow"),
        element("h1", title),
        element("p", lead(rules), class_="lead"),
        _verdict(said, history),
        tiles(_numbers(history, rules, pace)),
        contents(sections),
    )
    footer = element("p", "The same numbers in reports/history.csv")
    style = slider.STYLE + svg.style() + STYLE
    return document(f"Training: {title}", header, sections, footer, style=style, script=SCRIPT)


def lead(rules: Rules) -> str:
    """The game in one sentence."""
    steps = rules.settings.discriminator_steps
    return (
        f"Loss {_name(rules.loss)}, penalty {_name(rules.penalty)}, augmentation {_name(rules.augmentation)}; batches "
        f"of {rules.settings.batch_size}, {steps} step{'s' if steps > 1 else ''} of D to one of G."
    )


def _name(part: object) -> str:
    return type(part).__module__.rpartition(".")[2]


def warnings(history: Sequence[Row], rules: Rules) -> list[tuple[int, str]]:
    """(images seen, sentence) of everything that was said when it set in."""
    return [
        (int(history[end - 1]["images_seen"]), sentence)
        for end in range(1, len(history) + 1)
        for sentence in diagnostics.warnings(history[:end], rules)
    ]


def _verdict(said: Sequence[tuple[int, str]], history: Sequence[Row]) -> Markup:
    if not said:
        words = "Nothing that is watched went wrong." if history else "Nothing is known yet: no interval has ended."
        return element("div", element("h2", "No warnings"), element("p", words), class_="look good")
    items = [element("li", f"From {seen:,} images on: {sentence}") for seen, sentence in said]
    return element("div", element("h2", "Look at this"), element("ul", *items), class_="look")


def _numbers(history: Sequence[Row], rules: Rules, pace: Pace | None) -> list[tuple[str, str, str | None]]:
    if not history:
        return []
    last = history[-1]
    shown: list[tuple[str, str, str | None]] = [
        ("D's loss", f"{last['discriminator_loss']:.3f}", None),
        ("G's loss", f"{last['generator_loss']:.3f}", None),
        ("pairs ranked rightly", f"{last['pair_accuracy']:.1%}", "a half: D cannot tell"),
    ]
    if pace is not None:
        left = pace.seconds_left(rules.total - int(last["images_seen"]))
        shown.append(("rate", f"{pace.images_a_second:,.0f} / s", "images"))
        shown.append(("time left", duration(left), f"after {duration(pace.seconds_so_far)}"))
    return shown


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _watched(history: Sequence[Row]) -> Markup:
    rows = []
    for name, column, limit, meaning in WATCHED:
        found = history[-1].get(column) if history else None
        cells = [element("td", "unknown" if found is None else f"{found:.3g}", class_="number"), element("td", limit)]
        rows.append(element("tr", element("th", name, scope="row"), *cells, element("td", meaning)))
    heads = [element("th", head, scope="col") for head in ("what", "now", "warns", "what it means")]
    caption = f"A warning needs {diagnostics.ROWS} rows of the history in a row."
    head = element("thead", element("tr", *heads))
    return element("table", element("caption", caption), head, element("tbody", *rows))
