"""The page on which the game is played: lessons, each with its games over one slider."""

from collections.abc import Mapping, Sequence

from ..html.markup import Markup, element
from ..html.page import Section, contents, document
from ..playing import Match
from ..strokes import curves as axes
from ..strokes import slider, svg
from . import curves, panels
from .lessons import LESSONS, Lesson
from .style import STYLE

Matches = Mapping[str, Sequence[Match]]
"""By layout."""


def page(matches: Matches) -> Markup:
    """The whole document; what was not played is left out."""
    sections: list[Section] = []
    for lesson in LESSONS:
        for layout in [each for each in lesson.layouts if each in matches]:
            found = {match.recipe.key: match for match in matches[layout]}
            sections.append(_section(lesson, layout, [found[key] for key in lesson.games]))
    header = element(
        "header",
        element("p", "The game of 2014", class_="eyebrow"),
        element("h1", "A forger and a detective, who learn from each other"),
        element(
            "p",
            "Two networks play against each other: one makes, one judges. Where both densities are known, all of it "
            "can be seen. Press Play, or take the slider by hand or with the arrow keys.",
            class_="lead",
        ),
        contents(sections),
    )
    footer = element(
        "p", "Played by the networks, losses and penalties of ", element("code", "ganlib/"), ", drawn by ",
        element("code", "ganlib game"), "; the same command makes the same page. The game and its figure 1: Goodfellow "
        "et al. 2014; R3: Huang et al. 2024.",
    )  # fmt: skip
    style = STYLE + slider.STYLE + svg.style()
    return document("The game of 2014", header, sections, footer, style=style, script=slider.SCRIPT)


def _section(lesson: Lesson, layout: str, shown: Sequence[Match]) -> Section:
    of_plane = layout if len(lesson.layouts) > 1 else ""
    key = f"{lesson.key}-{layout}" if of_plane else lesson.key
    heading = f"{lesson.heading} ({layout})" if of_plane else lesson.heading
    names = " and ".join(match.recipe.name for match in shown)
    moments = [f"round {moment.round:,}" for moment in shown[0].frames]
    games = element("div", *map(_game, shown), class_=f"games of-{len(shown)}")
    return key, heading, [
        *(element("p", sentence) for sentence in lesson.before),
        slider.player([games], moments, f"Round of the game: {names}"),
        element("h3", "What it came to"),
        element("ul", *(element("li", sentence) for sentence in lesson.after(shown)), class_="came-to"),
        _settings(shown),
    ]  # fmt: skip


def _game(match: Match) -> Markup:
    """A panel over its charts."""
    frames, last = match.frames, len(match.frames) - 1
    moving = [
        svg.group(
            panels.moving(match, moment), class_="now" if number == last else "", data_frame=number
        )
        for number, moment in enumerate(frames)
    ]  # fmt: skip
    under = [
        svg.group(panels.behind(moment), class_="now" if number == last else "", data_frame=number)
        for number, moment in enumerate(frames)
        if panels.behind(moment)
    ]
    label = f"{match.recipe.name}: the data, what is generated and what D says of every place, at {len(frames)} moments"
    board = element(
        "svg", *under, svg.group(panels.still(match)), *moving, class_="chart", role="img", aria_label=label,
        viewBox=f"0 0 {panels.WIDTH:g} {panels.height_of(match):g}",
    )  # fmt: skip
    return element("div", board, *(_chart(match, chart) for chart in curves.charts_of(match)), class_="game")


def _chart(match: Match, chart: axes.Chart) -> Markup:
    places = [f"{place:.1f}" for place in curves.places(match)]
    cursor = element(
        "line", class_="cursor", x1=places[-1], x2=places[-1], y1=axes.TOP, y2=axes.BOTTOM,
        data_places=" ".join(places),
    )  # fmt: skip
    ends = ", ".join(f"{one.name} ends at {one.curve[-1][1]:.3g}" for one in chart.series)
    label = f"{match.recipe.name}, {chart.title} over the rounds: {ends}"
    return svg.picture(axes.drawn(chart, match.recipe.rounds), [cursor], label, axes.WIDTH, axes.HEIGHT)


def _settings(shown: Sequence[Match]) -> Markup:
    """What the games are played by, one column each."""
    rows = [
        element("tr", element("th", element("code", name), scope="row"), *(element("td", fact) for fact in facts))
        for name, *facts in _by_name(shown)
    ]
    heads = [element("th", match.recipe.name, scope="col") for match in shown]
    table = element("table", element("thead", element("tr", element("th", "setting", scope="col"), *heads)),
                    element("tbody", *rows))  # fmt: skip
    return element("details", element("summary", "Played by"), table)


def _by_name(shown: Sequence[Match]) -> list[tuple[str, ...]]:
    facts = [match.recipe.facts() for match in shown]
    return [(row[0][0], *(value for _, value in row)) for row in zip(*facts, strict=True)]
