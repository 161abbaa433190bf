"""Where runs and models are shown: embedded SQLite in the project's main folder, or what MLFLOW_TRACKING_URI says.

The embedded store is made aside and renamed, under a lock: a process that dies on the way leaves no half-made
database, and four at once make one.
"""

import logging
import os
import re
import socket
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

from filelock import FileLock, Timeout

from ganlib.errors import UserError

from .. import paths
from ..paths import main_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient

Result = TypeVar("Result")
LOCK_SECONDS = 60.0
ANSWER_SECONDS = 5.0
WAITS_SECONDS = (0.1, 0.5)
QUICKER = re.compile(r"UniqueViolation|UNIQUE constraint|duplicate key|Duplicate entry|deadlock", re.IGNORECASE)
"""What databases say to whoever was second."""
KINDS = ("http://", "https://", "sqlite:", "postgresql", "mysql", "mssql")
EMBEDDED_PAGES = "http://127.0.0.1:5000"

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    # With MLflow's own seven retries of two minutes one call to a dead server lasts 246 s.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "8",
}


class StoreError(UserError):
    """The MLflow store is away or refuses; nothing that DVC holds is lost by it."""


@dataclass(frozen=True)
class Store:
    """An open MLflow store."""

    client: "MlflowClient"
    uri: str
    artifacts: str | None
    """URI under which new experiments keep their files; none where a server decides."""
    lock_file: Path

    @property
    def lock(self) -> FileLock:
        """Held by whoever looks whether something is there and then makes it."""
        return FileLock(self.lock_file, timeout=LOCK_SECONDS)

    @property
    def holder(self) -> str:
        """Who has the lock, where it is held: all processes that share it, and nobody else."""
        return sha256(f"{socket.gethostname()}:{self.lock_file.absolute()}".encode()).hexdigest()[:8]

    def experiment(self, name: str) -> str:
        """The experiment's id; made where it is missing. StoreError where somebody deleted it."""
        from mlflow.exceptions import MlflowException

        found = self.client.get_experiment_by_name(name)
        if found is None:
            location = f"{self.artifacts}/{re.sub(r'[^A-Za-z0-9_-]', '_', name)}" if self.artifacts else None
            try:
                return str(self.client.create_experiment(name, artifact_location=location))
            except MlflowException:
                found = self.client.get_experiment_by_name(name)  # somebody was quicker
                if found is None:
                    raise
        if found.lifecycle_stage == "deleted":
            raise StoreError(
                f"The MLflow experiment {name!r} was deleted; set publish.experiment to another name, or bring it "
                f"back: mlflow experiments restore --experiment-id {found.experiment_id}."
            )
        return str(found.experiment_id)


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or the embedded database of the main folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{main_folder() / 'mlflow.db'}"


def exists() -> bool:
    """Whether there can be anything to read: False where the embedded database has not been made yet."""
    uri = tracking_uri()
    return not uri.startswith("sqlite:///") or Path(uri.removeprefix("sqlite:///")).exists()


def shown(uri: str) -> str:
    """The URI as messages may show it: without a password."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{parts.hostname}:{parts.port}"))


def run_page(experiment_id: str, run_id: str) -> str:
    """Where MLflow's pages show a run: on the server, or on the one that `make ui` starts."""
    uri = tracking_uri()
    base = shown(uri).rstrip("/") if uri.startswith(("http://", "https://")) else EMBEDDED_PAGES
    return f"{base}/#/experiments/{experiment_id}/runs/{run_id}"


@contextmanager
def opened(*, making: bool = True) -> Iterator[Store]:
    """The store, ready to use; StoreError in one sentence where it is away, at the start or in the middle.

    A SQLite database that is not there yet is made; without `making`, for those who only want what is in it, it is an
    error too. A dead server costs at most about 20 s, an absent one nothing.
    """
    uri = tracking_uri()
    if not making and not exists():
        raise StoreError(
            f"The MLflow store {shown(uri)} is not there yet; train and register a generator: make run. Or see to "
            f"MLFLOW_TRACKING_URI."
        )
    _quieten()
    _require_answer(uri)
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield _open(uri)
    except Timeout:
        raise StoreError(
            f"The MLflow store {shown(uri)} is in use by another process; `ganlib sync` completes the run later."
        ) from None
    except (MlflowException, RequestException, SQLAlchemyError, OSError) as error:
        raise _away(uri, error) from error


def written(write: Callable[[], Result]) -> Result:
    """What a write returns that other hosts may be doing at the same moment.

    MLflow looks whether a tag or an alias is there before it inserts it. Where another host's came in between, the
    database refuses a second one; the next look finds it there.
    """
    from mlflow.exceptions import MlflowException

    for wait in WAITS_SECONDS:
        try:
            return write()
        except MlflowException as error:
            if not QUICKER.search(str(error)):
                raise
        time.sleep(wait)
    return write()


def _away(uri: str, error: Exception) -> StoreError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    if "out-of-date database schema" in reason:
        return StoreError(f"{shown(uri)} was made by another MLflow; upgrade it: mlflow db upgrade {shown(uri)}.")
    if not uri.startswith(KINDS):
        return StoreError(
            f"MLFLOW_TRACKING_URI is {shown(uri)}, which is no store that can be used here; set it to "
            f"http(s)://HOST:PORT or sqlite:///FILE, or leave it unset."
        )
    short = textwrap.shorten(reason.rstrip("."), 200, placeholder=" ...")
    return StoreError(
        f"The MLflow store {shown(uri)} does not do its work ({short}); see to it or to MLFLOW_TRACKING_URI, and try "
        f"again: what was trained is kept, and `ganlib sync` completes the run."
    )


def _quieten() -> None:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Where MLflow was imported before, it has read its level from the environment already.
    logging.getLogger("mlflow").setLevel(os.environ["MLFLOW_LOGGING_LEVEL"])


def _require_answer(uri: str) -> None:
    """StoreError within seconds where nobody answers: MLflow itself would ask on for minutes."""
    parts = urlsplit(uri)
    try:
        if parts.scheme in ("http", "https"):
            address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], path=parts.path + "/health"))
            try:
                urlopen(Request(address), timeout=ANSWER_SECONDS).close()  # noqa: S310 - http or https, see above
            except HTTPError as answer:
                if answer.code >= 500:
                    raise
        elif parts.hostname and parts.port:
            socket.create_connection((parts.hostname, parts.port), timeout=ANSWER_SECONDS).close()
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise StoreError(
            f"The MLflow store {shown(uri)} does not answer ({reason}); start it, or see to MLFLOW_TRACKING_URI: what "
            f"was trained is kept, and `ganlib sync` completes the run."
        ) from None


def _open(uri: str) -> Store:
    from mlflow import MlflowClient

    if uri.startswith("sqlite:///"):
        database = Path(uri.removeprefix("sqlite:///")).absolute()
        state = database.parent / paths.STATE
        lock_file = state / f"{database.name}.lock"
        state.mkdir(parents=True, exist_ok=True)
        artifacts = (database.parent / "mlartifacts").as_uri()
        with FileLock(lock_file, timeout=LOCK_SECONDS):
            if not database.exists():
                _create(database, artifacts)
        return Store(MlflowClient(uri), uri, artifacts, lock_file)
    state = main_folder() / paths.STATE
    state.mkdir(parents=True, exist_ok=True)
    remote = uri.startswith(("http://", "https://"))
    artifacts_elsewhere = None if remote else (main_folder() / "mlartifacts").as_uri()
    return Store(MlflowClient(uri), uri, artifacts_elsewhere, state / "mlflow.lock")


def _create(database: Path, artifacts: str) -> None:
    """Makes the database with all its tables, whole or not at all. The caller holds the lock."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    state = database.parent / paths.STATE
    for left_behind in state.glob(f"{database.name}.*.partial*"):
        left_behind.unlink(missing_ok=True)
    aside = state / f"{database.name}.{os.getpid()}.partial"
    # Through the store itself, because a client would place its default experiment under the current folder.
    store = SqlAlchemyStore(f"sqlite:///{aside}", artifacts)  # type: ignore[no-untyped-call]
    store.engine.dispose()
    aside.replace(database)
