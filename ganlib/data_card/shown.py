"""The sections that show pictures, or points."""

from collections.abc import Iterator

import numpy as np

from ..datasets import NEAR_DUPLICATE
from ..html.markup import Markup, count, element, file_name, shortened
from ..html.page import Section
from ..html.thumbnails import spread
from . import charts
from .chosen import Pictures
from .facts import Facts
from .findings import straddling_pairs
from .gallery import Gallery, NearPair, Sheet, Shot
from .summary import Summary

POINTS = 3000
"""Points drawn of the training ones; a quarter as many of the held-out ones."""
BINNED = 100_000


def sheets(gallery: Gallery, summary: Summary) -> Section:
    """Contact sheets of both sides of the split, and the mean pictures."""
    said = "The same ones every time: evenly spread over the data."
    content = [
        element("p", f"{_number(gallery.train)} training pictures. {said}", class_="soft"),
        _sheet(gallery, gallery.train, summary, "train"),
        element("h3", "Held out"),
        _sheet(gallery, gallery.heldout, summary, "heldout"),
        element("h3", "Mean pictures"),
        _means(gallery, summary),
    ]
    return "pictures", "The pictures", content


def _number(sheet: Sheet) -> int:
    return sum(len(shots) for _, shots in sheet)


def _sheet(gallery: Gallery, sheet: Sheet, summary: Summary, part: str) -> Markup:
    words = {"train": "training", "heldout": "held-out"}[part]
    names = summary.classes
    if len(sheet) == 1 and sheet[0][0] < 0:
        items = [_captioned(gallery, shot, names[shot.label] if shot.label >= 0 else "") for shot in sheet[0][1]]
        look = "sheet captioned" if names else "sheet"
        return element("ul", *items, class_=look, aria_label=f"{words} pictures")
    rows = []
    for number, shots in sheet:
        name = names[number] if number >= 0 else "no class"
        total = summary.class_counts[part].get(name) if number >= 0 else None
        number_of = element("small", f"{total:,}") if total is not None else None
        heading = element("h4", element("bdi", shortened(name, 60)), number_of)
        items = [element("li", gallery.album.image(shot.number, shot.name or name)) for shot in shots]
        listed = element("ul", *items, class_="sheet", aria_label=f"{words} pictures of {name}")
        rows.append(element("div", heading, listed if items else element("p", "none", class_="soft"), class_="class"))
    return element("div", *rows, class_=f"by-class {part}")


def _captioned(gallery: Gallery, shot: Shot, name: str) -> Markup:
    image = gallery.album.image(shot.number, shot.name or name or "picture")
    return element("li", image, element("span", shortened(name, 60)) if name else None)


def _means(gallery: Gallery, summary: Summary) -> Markup:
    shown = [("all", gallery.overall), *((summary.classes[n], place) for n, place in gallery.by_class.items())]
    items = [
        element("li", gallery.album.image(place, f"mean of {name}"), element("span", shortened(name, 40)))
        for name, place in shown
    ]
    bands = ("grey",) if gallery.mean.channels.shape[1] == 1 else ("red", "green", "blue")
    statistics = zip(bands, *gallery.mean.channels.tolist(), strict=True)
    numbers = ", ".join(f"{band} {centre:.0f} ± {deviation:.0f}" for band, centre, deviation in statistics)
    over = count(gallery.mean.over, "training picture")
    said = f"Over {over}. Values from 0 to 255, mean ± standard deviation: {numbers}."
    return element("div", element("ul", *items, class_="means"), element("p", said, class_="soft"))


def exact_duplicates(gallery: Gallery, facts: Facts, item: str) -> Section:
    """Sets of equal files with their picture."""
    exact = facts.exact
    if not exact.files:
        none = f"None: no two input {item}s have the same pixels."
        return "exact-duplicates", "Exact duplicates", [element("p", none)]
    said = (
        f"{count(exact.files, f'{item} has', f'{item}s have')} the same pixels as one of "
        f"{count(exact.groups, f'earlier {item}')}. The earliest of each set is in the data, the others are not."
    )
    if exact.contradictory:
        said += f" {exact.contradictory:,} of them name another class than the one that was kept."
    if exact.groups > len(gallery.groups):
        said += f" Shown: {len(gallery.groups)} sets, contradictory ones first, then the largest."
    groups = element("div", *_groups(gallery), class_="groups")
    return "exact-duplicates", "Exact duplicates", [element("p", said), groups]


def _groups(gallery: Gallery) -> Iterator[Markup]:
    for group in gallery.groups:
        items = [_member(*group.kept, " kept"), *(_member(*copy, "") for copy in group.copies)]
        if group.more:
            items.append(element("li", f"and {group.more:,} more", class_="more"))
        badge = element("span", "different classes", class_="badge") if group.contradictory else None
        listed = element("div", badge, element("ul", *items))
        yield element("div", gallery.album.image(group.picture, group.kept[0]), listed, class_="group")


def _member(name: str, class_name: str, word: str) -> Markup:
    known = element("span", " ", shortened(class_name, 40), class_="soft") if class_name else None
    return element("li", file_name(name), known, element("strong", word) if word else None)


def near_duplicates(gallery: Gallery, facts: Facts, summary: Summary) -> Section:
    """Pairs that look alike, side by side."""
    near = facts.near
    if not near.files:
        none = "None: no two pictures have nearly the same perceptual hash and correlate."
        return "near-duplicates", "Near duplicates", [element("p", none)]
    dropped = facts.reasons.get(NEAR_DUPLICATE, 0)
    pairs = int(summary.near.get("pairs", near.files))
    said = f"{count(near.files, 'picture looks', 'pictures look')} like an earlier one ({count(pairs, 'pair')})."
    if dropped:
        said += f" {dropped:,} of them were left out."
    elif straddling := straddling_pairs(facts, summary):
        said += f" In {count(straddling, 'pair')} one is a training picture and the other is held out."
    else:
        said += " No pair lies on both sides of the split."
    if gallery.pairs:
        said += f" Shown: {count(len(gallery.pairs), 'pair')}."
    if summary.near.get("complete") is False:
        said += " There may be more: so many look alike that not all were compared."
    items = [_pair(gallery, *pair) for pair in gallery.pairs]
    content = [element("p", said), *([element("ul", *items, class_="pairs")] if items else [])]
    return "near-duplicates", "Near duplicates", content


def _pair(gallery: Gallery, pair: NearPair, first: int, second: int) -> Markup:
    sides = [
        element("div", gallery.album.image(number, name), element("span", file_name(name)))
        for number, name in ((first, pair.first), (second, pair.second))
    ]
    badge = element("span", "across the split", class_="badge") if pair.straddles else None
    alike = f"{pair.bits} of 64 bits differ · correlation {pair.correlation:.3f}"
    return element("li", element("div", *sides, class_="both"), element("p", alike, " ", badge))


def points(pictures: Pictures, summary: Summary) -> Section:
    """Where the points lie: one dimension as a histogram, the first two of more as a plane."""
    dimensions = summary.shape[0]
    train = pictures[spread(np.arange(summary.train), BINNED)].reshape(-1, dimensions).astype(np.float64)
    heldout_rows = summary.train + np.arange(summary.heldout)
    content = [element("p", _spans(train), class_="soft")]
    if dimensions == 1:
        values = train[:, 0]
        low, high = float(values.min()), float(values.max())
        shown = charts.number_histogram(values, low, high)
        drawn = charts.histogram(
            shown, label=f"Training points from {low:.3g} to {high:.3g}.", axis="value",
            ticks=charts.size_ticks(shown), name=lambda tick: f"{tick:.4g}",
        )  # fmt: skip
    else:
        heldout = pictures[spread(heldout_rows, POINTS // 4)].reshape(-1, dimensions).astype(np.float64)
        part = train[spread(np.arange(len(train)), POINTS)]
        drawn = charts.scatter([part[:, :2], heldout[:, :2]], label=f"Points in a plane. {_spans(train)}")
        key = [element("span", class_=f"key {name}", aria_hidden="true") for name in ("train", "heldout")]
        of = " (the first two dimensions)" if dimensions > 2 else ""
        content.append(element("p", key[0], "training  ", key[1], f"held out{of}"))
    return "points", "The points", [*content, drawn]


def _spans(values: np.ndarray) -> str:
    said = [
        f"dimension {number + 1} from {column.min():.3g} to {column.max():.3g}, "
        f"mean {column.mean():.3g} ± {column.std():.3g}"
        for number, column in enumerate(values.T[:8])
    ]
    return "; ".join(said).capitalize() + "."
