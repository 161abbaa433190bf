"""A git worktree of the flow's own: there commits are trained; the user's folder, index and branch are left alone.

It stays between runs, with its outputs and its dvc.lock, so that a run with nothing to do takes seconds. Checkpoints,
MLflow store and DVC cache are those of the main folder.
"""

import shutil
import tempfile
from collections.abc import Callable
from configparser import ConfigParser
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ganlib.errors import UserError
from ganlib.settings import DataSettings
from pipelines.repository import LOCAL, UNHOOKED, git, share_cache

from .. import paths

FOLDER = "retrain"
LOCK = "dvc.lock"
EXCLUDE = "exclude"
"""Names that git is not to call changes in the worktree: the way to the user's pictures."""
MADE_BY_RUNNING = (":!dvc.lock", ":!metrics")
LARGEST_NEW_BYTES = 1_000_000
"""Of a file that git does not know, for a dirty training to take it over: source is smaller, data are not."""
SHOWN_CHANGES = 5

Say = Callable[[str], None]


def state_folder(project: Path) -> Path:
    """Where retraining keeps its worktree, its queue and what it did last."""
    return paths.main_folder(project) / paths.STATE / FOLDER


@dataclass(frozen=True)
class Place:
    """Where the stages run, and of which commit; no commit where the project is not under git."""

    folder: Path
    commit: str | None = None
    dirty: bool = False
    """Whether changes that are not committed are trained, too."""

    def words(self) -> str:
        """For people: `commit 1a2b3c4d5e6f`."""
        if self.commit is None:
            return "the folder as it lies there"
        return f"commit {self.commit[:12]}" + (" with the changes that are not committed" if self.dirty else "")


def prepared(project: Path, *, dirty: bool, say: Say) -> Place:
    """The worktree at the commit that the user's folder is at; the caller has the turn.

    dirty: with the changes there that are not committed; otherwise they are left out, and said to be. Outside git there
    is nothing to train but the folder itself.
    """
    commit = _head(project)
    if commit is None:
        _require_dvc_without_git(project)
        say(f"{project} has no commit in git, so it is trained in as it lies there: leave it alone meanwhile.")
        return Place(project)
    inside = git("rev-parse", "--show-prefix", folder=project)
    root = state_folder(project) / "tree"
    _check_out(root, project, inside, commit)
    folder = root / inside
    if not (folder / "dvc.yaml").is_file():
        raise UserError(
            f"The commit {commit[:12]} has no {inside}dvc.yaml; commit the project: git add and git commit."
        )
    _share(folder, project)
    changes = _changes(project)
    if changes and dirty:
        _overlay(root, project)
    elif changes:
        more = f" and {len(changes) - SHOWN_CHANGES} more" if len(changes) > SHOWN_CHANGES else ""
        say(
            f"{project} has changes that are not committed ({', '.join(changes[:SHOWN_CHANGES])}{more}); commit "
            f"{commit[:12]} is trained, without them. Commit them, or train them, too: --dirty."
        )
    return Place(folder, commit, dirty=bool(changes) and dirty)


def tracked_data(folder: Path) -> list[str]:
    """The .dvc files of the project: data that DVC holds and the commit names."""
    found = git("ls-files", "--", "*.dvc", folder=folder)
    return found.splitlines()


def lend_data(place: Place, project: Path, data: DataSettings) -> None:
    """A relative path in the settings leads to the user's own pictures, where neither git nor DVC has them."""
    if place.folder == project:
        return
    lent = sorted({name for name in (data.path, data.watch) if name and not Path(name).is_absolute()})
    inside = git("rev-parse", "--show-prefix", folder=project)
    (state_folder(project) / EXCLUDE).write_text("".join(f"/{inside}{name}\n" for name in lent), encoding="utf-8")
    for name in lent:
        ours, theirs = place.folder / name, project / name
        if not theirs.exists() or (place.folder / f"{name}.dvc").exists():
            continue
        if ours.is_symlink() or not ours.exists():
            ours.parent.mkdir(parents=True, exist_ok=True)
            ours.unlink(missing_ok=True)
            ours.symlink_to(theirs)


def environment(project: Path) -> dict[str, str]:
    """What stages in the worktree have to know beside what they know anyway: which files are nobody's changes."""
    exclude = str(state_folder(project) / EXCLUDE)
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.excludesFile", "GIT_CONFIG_VALUE_0": exclude}


def _head(project: Path) -> str | None:
    try:
        return git("rev-parse", "--verify", "--quiet", "HEAD^{commit}", folder=project)
    except UserError:
        return None


def _require_dvc_without_git(project: Path) -> None:
    """UserError where the project lies in no repository and nobody has told DVC that there is none."""
    with suppress(UserError):
        git("rev-parse", "--git-dir", folder=project)
        return
    config = ConfigParser(interpolation=None, strict=False)
    config.read([project / ".dvc" / name for name in ("config", "config.local")], encoding="utf-8")
    if not config.getboolean("core", "no_scm", fallback=False):
        raise UserError(
            f"{project} lies in no git repository, where DVC wants one; make one: git init, git add -A and git commit. "
            f"Or tell DVC to do without: dvc config core.no_scm true."
        )


def _check_out(root: Path, project: Path, inside: str, commit: str) -> None:
    """Brings the worktree to the commit, made anew where it is not whole; its own dvc.lock stays."""
    before = _head(root) if (root / ".git").is_file() else None
    if before is None:
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        # Forced, because git may remember a worktree there that somebody deleted.
        git(
            *UNHOOKED, "worktree", "add", "--quiet", "--force", "--force", "--detach", str(root), commit, folder=project
        )
        return
    # Only we work here, so a lock can only be what a killed git has left.
    Path(git("rev-parse", "--absolute-git-dir", folder=root), "index.lock").unlink(missing_ok=True)
    ours = root / inside / LOCK
    kept = ours.read_bytes() if ours.is_file() else None
    git(*UNHOOKED, "checkout", "--quiet", "--force", "--detach", commit, folder=root)
    git("clean", "--quiet", "--force", "-d", "--exclude", LOCK, folder=root)
    committed = before != commit and git("diff", "--name-only", before, commit, "--", inside + LOCK, folder=root)
    if kept is not None and not committed:
        ours.write_bytes(kept)


def _share(folder: Path, project: Path) -> None:
    """DVC's cache and remotes, again where the user's configuration of them is newer."""
    theirs = [path for name in (LOCAL, Path(".dvc/config")) if (path := project / name).is_file()]
    ours = folder / LOCAL
    if not ours.is_file() or any(path.stat().st_mtime > ours.stat().st_mtime for path in theirs):
        share_cache(folder, project)


def _changes(project: Path) -> list[str]:
    """Files that differ from the commit, without touching the user's index."""
    told = git("--no-optional-locks", "status", "--porcelain", "--", ".", *MADE_BY_RUNNING, folder=project)
    return [line[2:].strip() for line in told.splitlines()]


def _overlay(root: Path, project: Path) -> None:
    """The user's files as they are, over those of the commit; its index is read and not written."""
    top = Path(git("rev-parse", "--show-toplevel", folder=project))
    new = git("ls-files", "--others", "--exclude-standard", "-z", folder=top).split("\0")
    small = [name for name in new if name and _is_source(top / name)]
    with tempfile.TemporaryDirectory() as scratch:
        around = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        shutil.copy(
            git("rev-parse", "--path-format=absolute", "--git-path", "index", folder=top), around["GIT_INDEX_FILE"]
        )
        git("add", "--update", folder=top, environment=around)
        for first in range(0, len(small), 100):
            git("add", "--", *small[first : first + 100], folder=top, environment=around)
        tree = git("write-tree", folder=top, environment=around)
    # Over the worktree's files alone, so that its lineage says: dirty, beside this commit.
    kept = {path: path.read_bytes() for path in root.rglob(LOCK) if path.is_file()}
    git("restore", "--source", tree, "--worktree", "--", ".", folder=root)
    for path, content in kept.items():
        path.write_bytes(content)


def _is_source(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.name != LOCK and path.stat().st_size <= LARGEST_NEW_BYTES
