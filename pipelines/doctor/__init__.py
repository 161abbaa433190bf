"""What is wrong with this project on this machine, each with its way out; and what can be mended without a person.

A check is a function from the circumstances to findings, in a file of this package. One that breaks, or does not end,
is itself a finding.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ganlib.errors import UserError
from ganlib.settings import Settings

PATIENCE_SECONDS = 60.0
"""For one check; a busy machine needs ten for the imports of some."""


class State(StrEnum):
    """How a finding stands."""

    OK = "ok"
    MENDABLE = "mendable"
    """Harmless, and `--fix` does away with it."""
    MENDED = "mended"
    WRONG = "wrong"
    """Needs a person."""


@dataclass(frozen=True)
class Finding:
    """One fact about the project or the machine."""

    group: str
    state: State
    says: str
    """A sentence, or a few words where all is well."""
    way_out: str = ""
    """What to do; empty where all is well, or where `says` ends in it."""


@dataclass(frozen=True)
class Circumstances:
    """What checks ask of."""

    fix: bool = False
    """Whether to mend what can be mended safely."""

    @cached_property
    def settings(self) -> Settings:
        """Of params.yaml; UserError where it cannot be used."""
        from pipelines import params

        return params.load()

    @property
    def known_settings(self) -> Settings | None:
        """None where params.yaml cannot be used; its own check says why."""
        try:
            return self.settings
        except UserError:
            return None


Check = Callable[[Circumstances], Iterable[Finding]]


def checks() -> dict[str, Check]:
    """All of them, by the group under which they are told of, in that order."""
    from . import device, kept, leftovers, packages, project, space, stores

    return {
        "packages": packages.check,
        "device": device.check,
        "settings": project.check,
        "MLflow": stores.check_mlflow,
        "DVC": stores.check_dvc,
        "Prefect": stores.check_prefect,
        "disk": space.check,
        "leftovers": leftovers.check,
        "checkpoints": kept.check_checkpoints,
        "kept files": kept.check_caches,
    }


def examine(
    circumstances: Circumstances, chosen: dict[str, Check] | None = None, patience: float = PATIENCE_SECONDS
) -> Iterator[Finding]:
    """What each check finds, one check after another; none can fail or hang."""
    for group, check in (checks() if chosen is None else chosen).items():
        yield from _guarded(group, check, circumstances, patience)


def _guarded(group: str, check: Check, circumstances: Circumstances, patience: float) -> Sequence[Finding]:
    """The findings so far and, where the check breaks or does not end, what became of it."""
    found: list[Finding] = []

    def work() -> None:
        try:
            found.extend(check(circumstances))
        except UserError as mistake:
            found.append(Finding(group, State.WRONG, str(mistake)))
        except Exception as error:  # whatever it is, the other checks go on
            says = f"this check itself broke ({type(error).__name__}: {error})."
            found.append(Finding(group, State.WRONG, says, "That is a mistake in ganlib: please report it."))

    thread = threading.Thread(target=work, name=f"doctor: {group}", daemon=True)
    thread.start()
    thread.join(patience)
    if thread.is_alive():
        says = f"no answer within {patience:.0f} s."
        return [*found, Finding(group, State.WRONG, says, "Is a disk or a server away, or the machine very busy?")]
    return found
