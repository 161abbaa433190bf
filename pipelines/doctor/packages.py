"""Python and the packages: those that passed the tests together, and two that break Prefect without a word."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from . import Circumstances, Finding, State

GROUP = "packages"
CONSTRAINTS = Path("constraints.txt")
OLDEST = (3, 11)
SHOWN = 8
BREAKS = {
    "fastapi": ("0.151", "every flow and server of Prefect {prefect} dies at its import", "fastapi>=0.139,<0.151"),
    "sqlalchemy": ("2.1", "schedules of Prefect {prefect} silently never create a run", "sqlalchemy>=2.0,<2.1"),
}
"""First version that breaks, what it does, and what to install instead: measured, and pip does not know."""
BROKEN_PREFECT = "3.8.8"


def check(_: Circumstances) -> Iterator[Finding]:
    """Compares what is installed with constraints.txt or, without a checkout, with what ganlib asks for."""
    if sys.version_info < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        yield Finding(GROUP, State.WRONG, f"Python {sys.version.split()[0]} is too old.", f"Install {oldest} or newer.")
    broken = list(known_breaks())
    yield from broken
    text = CONSTRAINTS.read_text(encoding="utf-8") if CONSTRAINTS.is_file() else None
    source = CONSTRAINTS.name if text is not None else "the metadata of ganlib"
    wanted = pinned(text) if text is not None else asked_for()
    differing = list(others(wanted))
    if differing:
        more = f" and {len(differing) - SHOWN} more" if len(differing) > SHOWN else ""
        says = f"{len(differing)} differ from {source}: {', '.join(differing[:SHOWN])}{more}."
        way_out = "make setup" if text is not None else "uv pip install --upgrade ganlib"
        yield Finding(GROUP, State.WRONG, says, f"Install the tested ones: {way_out}")
    elif not broken:
        yield Finding(GROUP, State.OK, f"as in {source}, Python {sys.version.split()[0]}")


def known_breaks() -> Iterator[Finding]:
    """What breaks Prefect although every package's own metadata allow it."""
    prefect = installed("prefect")
    if prefect is None or Version(prefect) > Version(BROKEN_PREFECT):
        return
    for name, (first, effect, instead) in BREAKS.items():
        there = installed(name)
        if there is not None and Version(there) >= Version(first):
            says = f"with {name} {there} {effect.format(prefect=prefect)}."
            yield Finding(GROUP, State.WRONG, says, f"uv pip install '{instead}'")


def others(wanted: list[Requirement]) -> Iterator[str]:
    """Installed packages that are not as wanted; one that is not installed may belong to another platform."""
    for requirement in wanted:
        there = installed(requirement.name)
        if there is None or (requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})):
            continue
        # Builds of torch for one device or another are the same version.
        if not requirement.specifier.contains(there.partition("+")[0], prereleases=True):
            yield f"{requirement.name} {there} (wanted {requirement.specifier})"


def pinned(text: str) -> list[Requirement]:
    """The lines of a constraints file that name a package."""
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line]


def asked_for() -> list[Requirement]:
    """What the installed package itself depends on."""
    return [Requirement(line) for line in requires("ganlib") or ()]


def installed(name: str) -> str | None:
    """The version that is here, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
