"""Which version is champion: judged by paired scores, moved with a record, taken back where a rollback is wanted."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlib import components
from ganlib.errors import UserError
from ganlib.settings import Settings, plain

from . import generators, tracking, verdicts
from .generators import Named, Registration
from .tracking import contents, history, models, moves
from .tracking.history import Move, Record
from .verdicts import Verdict

if TYPE_CHECKING:
    from .scores import Bench
    from .tracking import Store

TRIED = 16
"""Pictures that a generator must draw before a rollback to it."""
RESERVED = "latest"


@dataclass(frozen=True)
class Judged:
    """A verdict with all that it rests on."""

    verdict: Verdict
    evidence: str
    """JSON: who was compared, by what rules, and both sides' reports of every block."""
    protocol: str
    """Name of the first block's."""

    @property
    def digest(self) -> str:
        """sha256 of the evidence."""
        return sha256(self.evidence.encode()).hexdigest()


@dataclass(frozen=True)
class Promotion:
    """What `promote` found, and did."""

    challenger: Registration
    champion: int | None
    """The version that had the alias before."""
    judged: Judged | None
    unjudged: str | None
    """Why a forced promotion has no verdict."""
    record: Record | None
    """None where nothing was moved."""

    def plain(self) -> dict[str, Any]:
        """For programs."""
        verdict = None if self.judged is None else self.judged.verdict.plain()
        found = {"model": self.challenger.model, "version": self.challenger.version, "champion": self.champion}
        return {**found, "moved": self.record is not None, "verdict": verdict, "unjudged": self.unjudged}


def promote(
    settings: Settings, reference: str, alias: str = "champion", *, forced: str | None = None, moving: bool = True
) -> Promotion:
    """Judges the generator against the alias' present one, and moves the alias where the verdict is to promote.

    forced: the reason why it is moved whatever the verdict is. moving: False to judge alone. UserError where the two
    cannot be compared, or where somebody else moved the alias meanwhile.
    """
    _check_alias(settings, alias)
    challenger = generators.find(reference, settings)
    ours = challenger.registration
    if ours is None:
        raise UserError(f"{challenger.name} is not registered, and aliases name versions; publish it: dvc repro.")
    with tracking.opened(making=False) as store:
        standing = moves.settled(store, ours.model).aliases.get(alias)
    if standing == ours.version:
        raise UserError(f"{ours.model} version {ours.version} is {alias} already; name another version.")
    judged, unjudged = None, None
    try:
        judged = judge(settings, challenger, None if standing is None else _version(ours.model, standing))
    except UserError as reason:
        if forced is None:
            raise
        unjudged = str(reason)
    if not moving or (forced is None and (judged is None or judged.verdict.outcome != "promote")):
        return Promotion(ours, standing, judged, None, None)
    move = Move("promote", alias, standing, ours.version, forced=forced is not None, why=forced)
    move = dataclasses.replace(move, verdict="not judged" if judged is None else judged.verdict.title)
    with tracking.opened(making=False) as store:
        if judged is not None:
            move = dataclasses.replace(move, evidence=_in_short(judged, settings, _keep(store, ours, judged)))
        record = moves.make(store, ours.model, move, again=f"ganlib promote {ours.version}")
    return Promotion(ours, standing, judged, unjudged, record)


def judge(settings: Settings, challenger: Named, champion: Named | None) -> Judged:
    """Scores both by the same latents, and decides; UserError where that cannot be."""
    from . import scores

    rules = settings.promote
    bench = scores.open_bench(_lean(settings), samples=rules.samples)
    sides = [challenger] if champion is None else [challenger, champion]
    for named in sides:
        scores.check(bench, named)
    seeds = range(rules.seed, rules.seed + rules.blocks)
    reports = [[scores.score(bench, named, seed=seed) for seed in seeds] for named in sides]
    verdict = verdicts.judge(reports[0], reports[1] if champion else None, rules)
    return Judged(verdict, _evidence(bench, rules, sides, seeds, reports, verdict), reports[0][0]["protocol"]["name"])


def rollback(settings: Settings, model: str | None, alias: str = "champion", *, why: str | None = None) -> Record:
    """Gives the alias back to the version before, after that drew pictures; again, and it goes forth.

    UserError where there is none, or it does not work any more.
    """
    name = model or settings.publish.model
    with tracking.opened(making=False) as store:
        models.versions(store, name)
        aliases = moves.settled(store, name).aliases
        earlier, now = aliases.get(history.previous(alias)), aliases.get(alias)
        if earlier is None or earlier == now:
            raise UserError(
                f"{name} has no earlier {alias} to go back to ({history.previous(alias)} is not set); "
                f"choose a version: ganlib promote VERSION. Look: ganlib history {name}."
            )
        named = generators.from_registry(store, models.by_number(store, name, earlier))
        try_out(named, settings)
        move = Move("rollback", alias, now, earlier, why=why)
        return moves.make(store, name, move, again="ganlib rollback")


def try_out(named: Named, settings: Settings) -> None:
    """Draws a few pictures; UserError where they are not what such a generator makes."""
    import torch

    from ganlib.device import choose

    known = named.description
    drawer = generators.open_drawer(named, choose(settings.device))
    labels = torch.arange(TRIED) % len(known.classes) if known.classes else None
    drawn = torch.cat(list(drawer.pictures(drawer.noise(0, range(TRIED)), labels)))
    wrong = None
    if tuple(drawn.shape) != (TRIED, *known.image_shape):
        wrong = f"of shape {tuple(drawn.shape[1:])} and not {known.image_shape}"
    elif not bool(torch.isfinite(drawn.float()).all()):
        wrong = "not finite"
    elif bool((drawn == drawn[0]).all()):
        wrong = "all the same"
    if wrong:
        raise UserError(f"{named.name} does not work: what it draws is {wrong}. Nothing was changed.")


def delete(settings: Settings, reference: str, *, sure: bool) -> str:
    """Takes a version out of the registry, and says so; UserError where it is in use, or where nobody is `sure`."""
    with tracking.opened(making=False) as store:
        version = generators.version_of(store, reference, settings.publish.model)
        name, number = version.name, int(version.version)
        moves.check_unused(moves.settled(store, name), name, number)
        if not sure:
            raise UserError(f"{name} version {number} would be deleted for good; say so: ganlib delete {number} --yes.")
        moves.delete(store, name, number)
    return f"{name} version {number} is no longer registered. Its run stays."


def _version(model: str, number: int) -> Named:
    with tracking.opened(making=False) as store:
        return generators.from_registry(store, models.by_number(store, model, number))


def _registration(named: Named) -> Registration:
    assert named.registration is not None, "only registered generators come here"
    return named.registration


def _check_alias(settings: Settings, alias: str) -> None:
    taken = {RESERVED, settings.publish.alias}
    if alias in taken or alias.startswith("previous") or not generators.is_alias(alias):
        raise UserError(
            f"{alias!r} cannot be promoted to: {', '.join(sorted(taken))} and previous are kept for other things, and "
            f"an alias is letters, digits, - and _, but no v1; choose another, such as champion."
        )


def _lean(settings: Settings) -> Settings:
    """With the metrics alone that a verdict needs; UserError where the settings leave one of those out."""
    verdicts.require_metrics(settings)
    needed = verdicts.needed_files(settings.promote)
    rest = tuple(name for name in components.names("metrics") if name not in needed)
    return dataclasses.replace(settings, evaluate=dataclasses.replace(settings.evaluate, leave_out=rest))


def _evidence(
    bench: "Bench",
    rules: Any,
    sides: Sequence[Named],
    seeds: Sequence[int],
    reports: Sequence[Sequence[verdicts.Report]],
    verdict: Verdict,
) -> str:
    words = {
        "compared": [
            {"model": one.model, "version": one.version, "content": named.content}
            for named in sides
            for one in (_registration(named),)
        ],
        "data": bench.data.digest,
        "rules": plain(rules),
        "seeds": list(seeds),
        "verdict": verdict.plain(),
        "reports": reports,
    }
    return json.dumps(words, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _keep(store: "Store", ours: Registration, judged: Judged) -> str | None:
    """The evidence as a file of the challenger's run; its path there. None where the version has no run."""
    if ours.run_id is None:
        return None
    place = f"promotion/{judged.digest[:16]}.json"
    contents.add_text(store, ours.run_id, judged.evidence, Path(place))
    return place


def _in_short(judged: Judged, settings: Settings, place: str | None) -> dict[str, Any]:
    """What fits into a record."""
    rules, name = settings.promote, settings.promote.metric
    deciding = next((check for check in judged.verdict.checks if check.name == name), None)
    return {
        "protocol": judged.protocol,
        "blocks": rules.blocks,
        "seed": rules.seed,
        "level": rules.level,
        "metric": name,
        "worse_by": [float(f"{value:.6g}") for value in deciding.values] if deciding else [],
        "between": [deciding.low, deciding.high] if deciding else [],
        "sha256": judged.digest,
        "file": place,
    }
