"""What it takes to make a run's generator again, kept with the run as files whose digests are its tags."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ganlib.errors import UserError

from ..origin import LOCK, PARAMS
from . import runs
from .store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

FOLDER = "lineage"
"""Of the run's artifacts."""
TAG = "ganlib.origin"
"""Which files are kept, by name, with their sha256."""
COMMIT, DIRTY = "mlflow.source.git.commit", "ganlib.git_dirty"


@dataclass(frozen=True)
class Origin:
    """Where a generator comes from, as its run has it."""

    facts: Mapping[str, str]
    """Tags of the run: commit, versions, device, threads."""
    params: str
    """params.yaml with all its values."""
    lock: str | None
    """dvc.lock; none where the training did not run under DVC."""

    @property
    def by_training(self) -> bool:
        """Whether the training itself recorded it, and not whoever rebuilt the run later."""
        return self.facts.get(runs.RECORDED_BY) == "train"


def keep(store: Store, run: "Run", texts: Mapping[str, str], *, overwrite: bool) -> None:
    """Adds the files that the run does not have; with `overwrite` also those that say something else."""
    digests = {name: sha256(text.encode()).hexdigest() for name, text in texts.items()}
    kept = json.loads(run.data.tags.get(TAG, "{}"))
    wanted = {name for name in texts if name not in kept or (overwrite and kept[name] != digests[name])}
    for name in wanted:
        store.client.log_text(run.info.run_id, texts[name], f"{FOLDER}/{name}")
    runs.set_tags(store, run, {TAG: json.dumps({**kept, **{name: digests[name] for name in wanted}}, sort_keys=True)})


def of_run(store: Store, run_id: str, name: str) -> Origin:
    """Of the generator called `name`; UserError where the run has none, or its files are not those that were kept."""
    from mlflow.exceptions import MlflowException

    try:
        run = store.client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise UserError(f"The run {run_id}, which says what {name} was made from, is gone from the store.") from None
    kept: dict[str, str] = json.loads(run.data.tags.get(TAG, "{}"))
    if PARAMS not in kept:
        raise UserError(
            f"{name} was published before its settings were kept with its run; in a folder that holds its outputs "
            f"(dvc checkout brings them back) add them: ganlib sync."
        )
    texts = {file: _fetched(store, run_id, file, digest, name) for file, digest in kept.items()}
    return Origin(dict(run.data.tags), texts[PARAMS], texts.get(LOCK))


def _fetched(store: Store, run_id: str, file: str, digest: str, name: str) -> str:
    with tempfile.TemporaryDirectory(prefix="ganlib-") as aside:
        content = Path(store.client.download_artifacts(run_id, f"{FOLDER}/{file}", aside)).read_bytes()
    if sha256(content).hexdigest() != digest:
        raise UserError(
            f"{FOLDER}/{file} of the run {run_id} is not what was kept there for {name}; restore it in the artifact "
            f"store."
        )
    return content.decode()
