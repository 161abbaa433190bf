"""A registered generator made again from what its version carries, and compared with it: does the lineage hold?

Source comes from the commit, settings and DVC's record of the data from the run; all of it is checked against the
digests that the weights were registered with. It happens in a repository of its own below `.ganlib/reproduce`, which
borrows the objects of this one and its DVC cache: the working tree, index, branches, checkpoints and MLflow store of
the project are not touched, and nothing that was trained before is found there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganlib import files
from ganlib.errors import UserError
from ganlib.settings import Settings

from .. import generators, lineage, origin, paths, tracking
from ..flows.stages import Failure
from ..generators import Named
from ..lineage import Lineage
from ..tracking import origins
from ..tracking.origins import Origin
from . import checkout, comparison
from .checkout import Checkout

REPRO = ("repro", "--single-item", "--force", "--no-run-cache", "--no-commit")
"""Of one stage: run whatever DVC knows of earlier runs, and nothing of it kept in the cache."""


@dataclass(frozen=True)
class Wishes:
    """What a person may want otherwise."""

    source: Path | None = None
    """Pictures to prepare, in place of DVC's cache and of what data.path was."""
    commit: str | None = None
    """In place of the recorded one."""
    anyway: bool = False
    """Whether to go on where source or device is another."""
    keep: bool = False
    """Whether the folder stays."""


@dataclass(frozen=True)
class Wanted:
    """The version, and all that it is made again from."""

    named: Named
    origin: Origin
    lineage: Lineage
    commit: str

    @property
    def key(self) -> str:
        """Names the folder: a killed reproduction goes on where the same is asked for."""
        return lineage.digest_of([self.named.content, self.commit, self.origin.params, self.origin.lock])[:16]


def reproduce(reference: str, settings: Settings, wishes: Wishes, say: Callable[[str], None]) -> bool:
    """Whether the generator of this name came out the same to the last byte; says how it goes and what differs.

    UserError where it cannot be made again, before anything long was paid for; the folder is removed unless
    `wishes.keep`. After an interrupt it stays, and the same call goes on.
    """
    wanted = find(reference, settings, wishes)
    say(f"{wanted.named.name}: weights {wanted.named.content[:12]}, commit {wanted.commit[:12]}")
    notes = comparison.other_versions(wanted.origin.facts)
    for note in notes:
        say(f"here is {note}: the same bytes are not to be expected")
    if not wanted.origin.by_training:
        say("its run was made after the training, so device, threads, versions and commit may be others than then")
    values, others = adapted(wanted, wishes)
    notes += others
    with checkout.opened(wanted.key, wanted.commit, wanted.origin.lock, keep=wishes.keep, say=say) as made:
        notes += check_source(wanted, made, wishes, say)
        files.write_text(made.folder / origin.PARAMS, origin.dumped(values))
        bring_data(wanted, made, wishes, say)
        with failing(f"The training of {wanted.named.name} from commit {wanted.commit[:12]}"):
            say("train: with nothing that the project has trained")
            made.dvc(*REPRO, "train", threads=wanted.origin.facts.get("ganlib.threads"))
        check_trained(wanted, made)
        notes += comparison.other_lineage(wanted.lineage, lineage.read(made.folder / paths.GAN))
        return comparison.compare(wanted.named, made.folder / paths.GAN, settings, notes, say)


def find(reference: str, settings: Settings, wishes: Wishes) -> Wanted:
    """The version and what its run has of its origin; UserError where something is missing."""
    named = generators.find(reference, settings)
    if named.registration is None:
        raise UserError(f"{named.name} are files; only a registered version says what it was made from.")
    if named.registration.run_id is None:
        raise UserError(f"{named.name} has no run, which would say what it was made from.")
    with tracking.opened(making=False) as store:
        found = origins.of_run(store, named.registration.run_id, named.name)
    commit = wishes.commit or found.facts.get(origins.COMMIT)
    if commit is None:
        raise UserError(f"{named.name} was trained outside git; name the commit that has its source: --commit.")
    return Wanted(named, found, lineage.read(named.folder), checkout.known_commit(commit, named.name))


def check_source(wanted: Wanted, made: Checkout, wishes: Wishes, say: Callable[[str], None]) -> list[str]:
    """What differs in the files that decide a training; UserError unless that is accepted."""
    code = wanted.lineage.code
    other = [f"{name} ({state})" for name, digest in sorted(code.items()) if (state := made.unlike(name, digest))]
    dirty = wanted.origin.facts.get(origins.DIRTY) == "true" and wishes.commit is None
    if not other:
        then = " (other files of its tree were not committed)" if dirty else ""
        say(f"source: all {len(code)} files that decide the training are those of commit {wanted.commit[:12]}{then}")
        return []
    tree = "was trained from a tree with changes that were not committed" if dirty else "was not trained from it"
    told = (
        f"commit {wanted.commit[:12]} has not the source of {wanted.named.name}, which {tree}; of {len(code)} files "
        f"differ: {', '.join(other)}"
    )
    if not wishes.anyway:
        raise UserError(f"{told}. If it was committed later, name that commit: --commit; or go on with --anyway.")
    say(f"source: {told}")
    return [f"source: {', '.join(other)}"]


def adapted(wanted: Wanted, wishes: Wishes) -> tuple[dict[str, Any], list[str]]:
    """params.yaml for the same training here, and what is other here; UserError unless that is accepted.

    The device is the one that trained. Where the pictures lie, and what DVC watched, decide no result.
    """
    values = origin.loaded(wanted.origin.params, f"params.yaml of {wanted.named.name}")
    for name, section in wanted.lineage.settings.items():
        if {part: values.get(name, {}).get(part) for part in section} != section:
            raise UserError(f"The run of {wanted.named.name} has other settings in its section {name} than its files.")
    facts = wanted.origin.facts
    device, notes = comparison.device_here(facts.get("ganlib.device", "cpu"))
    if notes and not wishes.anyway:
        raise UserError(f"{wanted.named.name}: here is {notes[0]}; go on with --anyway.")
    data = {**values["data"], "watch": ".dvcignore"}
    if wishes.source is not None and data["source"] in ("digits", "gaussians"):
        raise UserError(
            f"{wanted.named.name} was trained on {data['source']}, which read no pictures; leave out --source."
        )
    path = wishes.source or data.get("path")
    data["path"] = None if path is None else str(Path(path).resolve())
    train = {**values["train"], "processes": int(facts.get("ganlib.processes", values["train"].get("processes", 1)))}
    return {**values, "device": device, "data": data, "train": train}, notes


def bring_data(wanted: Wanted, made: Checkout, wishes: Wishes, say: Callable[[str], None]) -> None:
    """data/prepared of the recorded digest, from DVC's cache or remote, else prepared; UserError where neither can."""
    name, digest = wanted.named.name, wanted.lineage.data
    hashed = None if wanted.origin.lock is None else origin.data_hash(wanted.origin.lock)
    why = "no hash of them was recorded"
    if hashed is not None and wishes.source is None:
        for command, place in (("checkout", "cache"), ("pull", "remote")):
            try:
                made.dvc(command, paths.PREPARED.as_posix(), quietly=True)
            except Failure as failed:
                why = str(failed)
                continue
            if origin.prepared_digest(made.folder) == digest:
                say(f"data: {digest[:12]}, from DVC's {place} ({hashed})")
                return
    say("data: prepared anew")
    with failing(
        f"The data of {name} are not to be had from DVC ({why.rstrip('.')}), and preparing them", "--source PATH"
    ):
        made.dvc(*REPRO, "prepare")
    if (found := origin.prepared_digest(made.folder)) != digest:
        raise UserError(
            f"The source gives other data ({str(found)[:12]}) than {name} was trained on ({digest[:12]}); name the "
            f"pictures that it was trained on: --source PATH."
        )
    say(f"data: {digest[:12]}, the same as then")


def check_trained(wanted: Wanted, made: Checkout) -> None:
    """Raises where no training took place in the folder itself, for then its result would prove nothing."""
    if not list((made.folder / paths.STATE / "checkpoints").glob("*/[0-9]*.safetensors")):
        raise RuntimeError(f"commit {wanted.commit} left no checkpoint in {made.folder}: it did not train there")


@contextmanager
def failing(what: str, way_out: str | None = None) -> Iterator[None]:
    """What DVC or a stage failed with, as one sentence."""
    try:
        yield
    except Failure as failed:
        hint = f"; give the pictures: {way_out}" if way_out else ""
        raise UserError(f"{what} failed: {str(failed).rstrip('.')}{hint}.") from None
