"""Generators side by side: which are compared, by whose numbers, and all that a page shows of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ganlib.comparison_page import LETTERS, PANELS, Contestant, Looks
from ganlib.errors import UserError
from ganlib.settings import Settings

from . import generators, lineage, opinions, outputs, paths, scores, showing, tracking
from .generators import Named
from .scores import Report
from .tracking import contents, runs

if TYPE_CHECKING:
    from ganlib.preference import Preference

    from .lineage import Lineage

SHORT = 12
"""Digits of a digest that people compare."""


@dataclass(frozen=True)
class Comparison:
    """What was found, ready to be printed and shown."""

    contestants: tuple[Contestant, ...]
    noun: Literal["picture", "point"]
    no_pictures: str = ""
    """Why nothing was drawn, as a sentence."""


def compare(references: Sequence[str], settings: Settings, *, samples: int | None, seed: int | None) -> Comparison:
    """All scored by the same latents, reference and extractor; what was scored before is taken from the kept scores.

    samples and seed: those of `sample` in params.yaml where None. UserError, before anything is drawn, where one of
    them cannot be found or makes something else than the prepared data hold.
    """
    chosen = settings.sample.seed if seed is None else seed
    named = find_all(references, settings)
    bench = scores.open_bench(settings, samples=samples)
    for one in named:
        scores.check(bench, one)
    found = [scores.score(bench, one, seed=chosen) for one in named]
    looks = showing.looks(bench, named, found, seed=chosen)
    return _comparison(named, found, looks)


def as_registered(references: Sequence[str], settings: Settings) -> Comparison:
    """By the numbers that were published with each, without drawing a picture; needs no prepared data.

    UserError where one of them has none, or where they are of different protocols.
    """
    named = find_all(references, settings)
    found = [published(one) for one in named]
    protocols = [report["protocol"]["name"] for report in found]
    for one, protocol in zip(named, protocols, strict=True):
        if protocol != protocols[0]:
            raise UserError(
                f"{named[0].name} was published with numbers of the protocol {protocols[0]} and {one.name} with those "
                f"of {protocol}, which cannot be compared; leave out --as-registered, and all are scored alike."
            )
    no_pictures = "None were drawn: the numbers are those that were published. Without --as-registered they are."
    return _comparison(named, found, [None] * len(named), no_pictures)


def find_all(references: Sequence[str], settings: Settings) -> list[Named]:
    """The generators of these names; UserError where they are too few, too many or not all different."""
    if len(references) < 2:
        raise UserError(f"A comparison takes two generators or more; name each by {generators.WAYS}.")
    if len(references) > len(LETTERS):
        raise UserError(f"{len(references)} generators are too many to be seen side by side; name {len(LETTERS)}.")
    found: list[Named] = []
    for reference in references:
        named = generators.find(reference, settings)
        for earlier, other in zip(references, found, strict=False):
            if other.content == named.content:
                raise UserError(
                    f"{earlier} and {reference} are one and the same generator ({other.name}, weights "
                    f"{named.content[:SHORT]}); name another one beside it."
                )
        found.append(named)
    return found


def published(named: Named) -> Report:
    """The evaluation that was logged to the version's run; UserError where there is none, or it is of another one."""
    if named.registration is None:
        raise UserError(
            f"{named.name} is not registered, so nothing was published with it; leave out --as-registered to score it."
        )
    run_id = named.registration.run_id
    if run_id is not None:
        with tracking.opened(making=False) as store:
            text = contents.text_of(store, run_id, paths.EVALUATION_DETAILS.as_posix())
            own = runs.tag(store, run_id, runs.GENERATOR) == named.content
        if text is not None and own:
            report: Report = json.loads(text)
            return report
    raise UserError(
        f"The run of {named.name} has no evaluation of this generator; leave out --as-registered to score it."
    )


def _comparison(
    named: Sequence[Named], found: Sequence[Report], looks: Sequence[Looks | None], no_pictures: str = ""
) -> Comparison:
    known = [_lineage(one) for one in named]
    common = set.intersection(*(set(one.code) for one in known if one is not None)) if any(known) else set()
    contestants = [
        replace(_contestant(one, report, seen, origin, common), preference=_preference(one, named[0]))
        for one, report, seen, origin in zip(named, found, looks, known, strict=True)
    ]
    noun: Literal["picture", "point"] = "point" if named[0].description.kind == "points" else "picture"
    return Comparison(tuple(contestants), noun, no_pictures)


def _preference(one: Named, first: Named) -> "Preference | None":
    return None if one is first else opinions.about(one, first)


def _contestant(
    named: Named, report: Report, looks: Looks | None, origin: "Lineage | None", common: set[str]
) -> Contestant:
    known = named.description
    points, no_curves = curves(named)
    by_name: dict[str, list[tuple[int, float]]] = {}
    for (name, step), value in sorted(points.items()):
        by_name.setdefault(name, []).append((step, value))
    return Contestant(
        name=named.name,
        facts=facts(named),
        report=report,
        latents=f"{known.latent_dim} {known.latent_distribution} numbers",
        curves=by_name,
        no_curves=no_curves,
        settings={} if origin is None else _settings(origin, common),
        no_settings=f"{lineage.LINEAGE} is not beside its weights" if origin is None else "",
        looks=looks,
    )


def facts(named: Named) -> list[tuple[str, str]]:
    """What it is, for people."""
    known = named.description
    of = f" (the best of {known.chosen.of} looked at)" if known.chosen else ""
    found = [
        ("network", known.network),
        ("images seen", f"{known.images_seen:,}{of}"),
        ("latents", f"{known.latent_dim}, {known.latent_distribution}"),
        ("classes", f"{len(known.classes):,}" if known.classes else "knows none"),
        ("weights", named.content[:SHORT]),
    ]
    if named.registration is not None and named.registration.run_id is not None:
        found.append(("run", named.registration.run_id[:SHORT]))
    return found


def curves(named: Named) -> tuple[Mapping[tuple[str, int], float], str]:
    """(name, images seen) -> number of its training; or why there is none, without a full stop."""
    if named.registration is not None:
        if named.registration.run_id is None:
            return {}, "the registry names no run of it"
        with tracking.opened(making=False) as store:
            points = contents.points_of(store, named.registration.run_id, PANELS)
        return points, "" if points else "its run has none"
    if named.folder.resolve() != paths.GAN.resolve():
        return {}, f"only versions, by their runs, and {paths.GAN} have a history"
    history = outputs.read_history(paths.HISTORY)
    chosen = named.description.chosen
    end = named.description.images_seen if chosen is None else chosen.trained_to
    if max((step for _, step in history), default=None) != end:
        return {}, f"{paths.HISTORY} does not end where its training did, at {end:,} images"
    return {point: value for point, value in history.items() if point[0] in PANELS}, ""


def _lineage(named: Named) -> "Lineage | None":
    try:
        return lineage.read(named.folder)
    except UserError:
        return None


def _settings(origin: "Lineage", common: set[str]) -> dict[str, Any]:
    """By dotted name; after them the data, and the source of the files that all were trained by."""
    code = {path: digest for path, digest in origin.code.items() if path in common}
    known = runs.flattened(origin.settings)
    return {**known, "data": origin.data[:SHORT], "code": lineage.digest_of(code)[:SHORT]}
