"""The sections that show pictures, or points."""

import numpy as np

from ..html.markup import Markup, count, element, percent, shortened
from ..html.page import Section
from ..html.thumbnails import Album
from ..prepared import PreparedData, Split
from . import reading, verdicts
from .classes import bars
from .gallery import CLASSES, PAIRS, Beside, Gallery
from .judging import Tone
from .numbers import short
from .reading import Pair, Report
from .sheets import drawing

COORDINATES = 4
"""Of a point that are written."""


def samples(grid: bytes | None, interpolation: bytes | None, noun: str) -> Section | None:
    """The two drawings that were made with the samples."""
    ways = f"Each row leads from one latent to another: {noun}s should change smoothly, without jumps or repeats."
    kinds = [
        (grid, f"Generated {noun}s", f"Grid of generated {noun}s", "Not picked: the first ones of their seed."),
        (interpolation, "From one latent to another", f"Ways through the latent space as rows of {noun}s", ways),
    ]
    if noun == "point":
        kinds[0] = (grid, "Generated points", "Scatter plot: training points left, generated points right",
                    "Training points left, generated ones right, on the same axes.")  # fmt: skip
        kinds[1] = (interpolation, kinds[1][1], "Ways between latents as lines over the training points",
                    "Each line leads from one latent to another, over the training points in grey.")  # fmt: skip
    content: list[Markup] = []
    for png, heading, alt, caption in kinds:
        if png is not None:
            shown = drawing(png, alt) or element("p", "It is too large to be shown here.", class_="soft")
            content += [element("h3", heading), element("figure", shown, element("figcaption", caption))]
    return ("samples", "Samples", content) if content else None


def copies(gallery: Gallery, report: Report, data: PreparedData, generated: Split) -> Section | None:
    """Each generated picture beside the training picture nearest to it."""
    if not gallery.pairs:
        return None
    verdict = verdicts.copying(report, "picture")
    said = (
        f"Shown: {count(len(gallery.pairs), 'generated picture')}, the closest to a training picture. How unusual a "
        f"distance is, held-out pictures say, which are real and new. Among many generated pictures a few come closer "
        f"than any of the held-out ones by chance alone; the share of copies accounts for that."
    )
    items = []
    for pair, ours, theirs in gallery.pairs:
        both = [
            _captioned(gallery.album, ours, "generated", pair.generated, _class(data, generated, pair.generated)),
            _captioned(gallery.album, theirs, "training", pair.train, _class(data, data.train, pair.train)),
        ]
        items.append(element("li", element("div", *both, class_="both"), *_unusual(pair, verdict.tone)))
    content = [element("p", element("span", verdict.heading, class_=f"badge {verdict.tone}")), element("p", said)]
    return "copies", "Nearest training pictures", [*content, element("ul", *items, class_="pairs nearest")]


def _captioned(album: Album, place: int, kind: str, row: int, name: str) -> Markup:
    alt = f"{kind} picture {row}" + (f", {name}" if name else "")
    known = element("span", f"{kind} {row:,}", element("br"), element("bdi", shortened(name, 40)) if name else None)
    return element("div", album.image(place, alt), known)


def _class(data: PreparedData, split: Split, row: int) -> str:
    label = int(split.labels[row])
    return data.classes[label] if 0 <= label < len(data.classes) else ""


def _unusual(pair: Pair, tone: Tone) -> list[Markup]:
    distances = [
        f"{kind} {short(value)}"
        for kind, value in (("features", pair.feature_distance), ("pixels", pair.pixel_distance))
        if value is not None
    ]
    parts = [element("p", "Distance: ", " · ".join(distances))] if distances else []
    if pair.closer is None:
        return parts
    if pair.closer <= 0:
        badge = element(
            "span", "closer than any held-out picture", class_="badge bad" if tone == "bad" else "badge warn"
        )
        return [*parts, element("p", badge)]
    said = f"{percent(pair.closer)} of held-out pictures are closer"
    rare = pair.closer < 0.01
    return [*parts, element("p", element("span", said, class_="badge warn") if rare else said)]


def nearest_points(pairs: list[Pair], data: PreparedData, generated: Split) -> Section | None:
    """The same for points, as a table of coordinates."""
    if not pairs:
        return None
    head = [element("th", title, scope="col") for title in ("Generated point", "Nearest training point")]
    head += [element("th", title, scope="col", class_="number") for title in ("Distance", "Held-out closer")]
    body = [
        element(
            "tr",
            element("td", _coordinates(generated, pair.generated)),
            element("td", _coordinates(data.train, pair.train)),
            element("td", "" if pair.feature_distance is None else short(pair.feature_distance), class_="number"),
            element("td", "" if pair.closer is None else percent(pair.closer), class_="number"),
        )
        for pair in pairs[:PAIRS]
    ]
    table = element("table", element("thead", element("tr", *head)), element("tbody", *body), class_="points")
    said = "“Held-out closer” is the share of held-out points that lie closer to a training point."
    return "copies", "Nearest training points", [element("p", said, class_="soft"), table]


def _coordinates(split: Split, row: int) -> str:
    values = np.array(split.pixels[row]).reshape(-1)
    written = [f"{value:.4g}" if np.isfinite(value) else "?" for value in values[:COORDINATES].tolist()]
    return "(" + ", ".join(written) + (", …" if len(values) > COORDINATES else "") + ")"


def classes(gallery: Gallery | None, report: Report, data: PreparedData) -> Section | None:
    """Numbers of each class as bars, then generated pictures of it beside held-out ones."""
    content = bars(reading.by_class(report))
    labelled = bool(gallery and gallery.beside and gallery.beside[0].name)
    if gallery is not None:
        if content:
            content.append(element("h3", "Side by side"))
        content += _beside(gallery, reading.by_class(report), data)
    if not content:
        return None
    return "classes", "Class by class" if labelled or not gallery else "Beside real pictures", content


def _beside(gallery: Gallery, known: dict[str, dict[str, float]], data: PreparedData) -> list[Markup]:
    said = "Solid line: generated, the first ones of their seed and not picked. Dashed line: real, held out."
    if len(data.classes) > CLASSES and gallery.beside[0].name:
        which = "the worst" if known else "evenly spread"
        said += f" Shown are {CLASSES} of {len(data.classes):,} classes, {which}."
    content = [element("p", said, class_="soft")]
    for beside in gallery.beside:
        parts = [_row(gallery.album, beside, kind) for kind in ("generated", "heldout")]
        if not beside.name:
            return [*content, *parts]
        numbers = known.get(beside.name, {})
        written = [f"FID {short(numbers['fid'])}"] if "fid" in numbers else []
        written += [f"accuracy {percent(numbers['accuracy'])}"] if 0 <= numbers.get("accuracy", -1.0) <= 1 else []
        small = element("small", ", ".join(written)) if written else None
        heading = element("h4", element("bdi", shortened(beside.name, 60)), small)
        content.append(element("div", heading, element("div", *parts), class_="class"))
    return content


def _row(album: Album, beside: Beside, kind: str) -> Markup:
    words = {"generated": "generated", "heldout": "held-out"}[kind]
    places = beside.generated if kind == "generated" else beside.heldout
    of = f" picture of {beside.name}" if beside.name else " picture"
    if not places:
        return element("p", f"no {words} picture", class_="soft")
    items = [element("li", album.image(place, f"{words}{of}")) for place in places]
    label = shortened(f"{words}{of}".replace(" picture", " pictures", 1))
    return element("ul", *items, class_=f"sheet {kind}", aria_label=label)
