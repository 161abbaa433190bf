"""What is committed is trained, and the user's folder, index, branch and stash are none of the flow's business."""

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from ganlib.errors import UserError
from ganlib.settings import DataSettings
from pipelines.flows import worktree
from pipelines.flows.worktree import Place

LOOKED_AT = (
    ["status", "--porcelain"],
    ["for-each-ref"],
    ["rev-parse", "HEAD"],
    ["symbolic-ref", "HEAD"],
    ["stash", "list"],
)
"""In this order: `status` may rewrite the index, so the index is looked at first of all."""


def git(folder: Path, *arguments: str, **environment: str) -> str:
    around = {**os.environ, **environment}
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, env=around
    ).stdout


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=T", "-c", "user.email=t@example.invalid", "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture(scope="module")
def committed(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project under git, with a worktree of a first run."""
    folder = tmp_path_factory.mktemp("committed") / "repository" / "inside" / "project"
    shutil.copytree(pristine, folder)
    git(folder.parents[1], "init", "-q", "-b", "main")
    (folder / ".gitignore").write_text("/.ganlib/\n/pictures/\n__pycache__/\n/.dvc/config.local\n")
    (folder / "doomed.py").write_text("doomed\n")
    commit(folder.parents[1], "start")
    return folder


@pytest.fixture
def project(committed: Path, tmp_path: Path) -> Path:
    """A copy of it, for one test."""
    shutil.copytree(committed.parents[1], tmp_path / "repository", symlinks=True)
    return tmp_path / "repository" / "inside" / "project"


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without DVC's two seconds, in tests that are about git."""
    monkeypatch.setattr(worktree, "share_cache", lambda checkout, project: (checkout / worktree.LOCAL).touch())


def look(project: Path) -> list[str]:
    """All that a person may call theirs."""
    top = project.parents[1]
    index = sha256((top / ".git/index").read_bytes()).hexdigest()
    files = [f"{path}: {path.read_bytes()!r}" for path in sorted(project.glob("*")) if path.is_file()]
    return [index, *files, *(git(top, "--no-optional-locks", *words) for words in LOOKED_AT)]


def edit(project: Path) -> None:
    """Changes of every kind, none of them committed."""
    (project / "first.py").write_text("edited\n")
    (project / "new.py").write_text("new\n")
    (project / "doomed.py").unlink()
    (project / "second.py").write_text("staged\n")
    git(project, "add", "second.py")


def files_of(place: Place) -> dict[str, str]:
    return {path.name: path.read_text() for path in place.folder.glob("*.py")}


@pytest.mark.usefixtures("quickly")
def test_what_is_not_committed_is_left_out_and_said_to_be_and_nothing_is_touched(project: Path) -> None:
    committed = {path.name: path.read_text() for path in project.glob("*.py")}
    edit(project)
    before, heard = look(project), []
    place = worktree.prepared(project, dirty=False, say=heard.append)
    assert files_of(place) == committed
    assert (place.commit, place.dirty) == (git(project, "rev-parse", "HEAD").strip(), False)
    assert look(project) == before
    (sentence,) = heard
    assert "changes that are not committed" in sentence
    assert all(name in sentence for name in ("first.py", "new.py", "doomed.py", "second.py", "--dirty"))


def test_the_cache_is_shared_and_remotes_are_known(project: Path) -> None:
    (project / ".dvc/config.local").write_text("['remote \"away\"']\n    url = ssh://host/away\n    password = hush\n")
    place = worktree.prepared(project, dirty=False, say=print)
    written = (place.folder / ".dvc/config.local").read_text()
    assert f"dir = {project / '.dvc/cache'}" in written
    assert "password = hush" in written
    assert "config.local" not in git(place.folder, "status", "--porcelain")


@pytest.mark.usefixtures("quickly")
def test_with_dirty_everything_is_trained_as_it_lies_there_and_nothing_is_touched(project: Path) -> None:
    edit(project)
    (project / "huge.py").write_bytes(b"#" * (worktree.LARGEST_NEW_BYTES + 1))
    wanted = {path.name: path.read_text() for path in project.glob("*.py") if path.name != "huge.py"}
    before, heard = look(project), []
    place = worktree.prepared(project, dirty=True, say=heard.append)
    assert files_of(place) == wanted
    assert (place.dirty, heard) == (True, [])
    assert git(place.folder, "status", "--porcelain") != "", "so that its lineage says dirty"
    assert look(project) == before
    assert "doomed.py" in files_of(worktree.prepared(project, dirty=False, say=print)), (
        "and the next one is clean again"
    )


@pytest.mark.usefixtures("quickly")
def test_the_worktree_keeps_what_it_made_until_other_results_are_committed(project: Path) -> None:
    place = worktree.prepared(project, dirty=False, say=print)
    lock = place.folder / "dvc.lock"
    lock.write_text("ours\n")
    (project / "first.py").write_text("later\n")
    commit(project, "later")
    assert files_of(worktree.prepared(project, dirty=False, say=print))["first.py"] == "later\n"
    assert lock.read_text() == "ours\n"
    (project / "dvc.lock").write_text("theirs\n")
    commit(project, "results")
    worktree.prepared(project, dirty=False, say=print)
    assert lock.read_text() == "theirs\n"
    lock.write_text("ours again\n")
    worktree.prepared(project, dirty=False, say=print)
    assert lock.read_text() == "ours again\n"


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("broken", ["gone", "half", "no link", "locked"])
def test_a_worktree_that_a_kill_left_broken_is_made_whole(project: Path, broken: str) -> None:
    root = worktree.state_folder(project) / "tree"
    whole = files_of(worktree.prepared(project, dirty=False, say=print))
    if broken == "gone":
        shutil.rmtree(root)
    elif broken == "half":
        (root / "inside/project/first.py").write_text("half")
        (root / "inside/project/last.py").unlink()
    elif broken == "no link":
        (root / ".git").unlink()
    else:
        (Path(git(root, "rev-parse", "--absolute-git-dir").strip()) / "index.lock").touch()
    assert files_of(worktree.prepared(project, dirty=False, say=print)) == whole


@pytest.mark.usefixtures("quickly")
def test_the_users_pictures_are_seen_and_are_no_change(project: Path) -> None:
    (project / "pictures").mkdir()
    (project / "pictures" / "a.png").write_text("a")
    place = worktree.prepared(project, dirty=False, say=print)
    data = DataSettings(source="image_folder", path="pictures", watch="pictures")
    for _ in range(2):
        worktree.lend_data(place, project, data)
    (project / "pictures" / "b.png").write_text("b")
    assert sorted(path.name for path in (place.folder / "pictures").iterdir()) == ["a.png", "b.png"]
    assert git(place.folder, "status", "--porcelain", **worktree.environment(project)) == ""
    worktree.prepared(project, dirty=False, say=print)
    assert (project / "pictures" / "a.png").exists(), "cleaning the worktree stops at the way to the pictures"


def test_outside_git_the_folder_itself_is_trained_and_said_to_be(pristine: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pristine, tmp_path / "project")
    heard: list[str] = []
    assert worktree.prepared(folder, dirty=False, say=heard.append) == Place(folder)
    assert "no commit in git" in heard[0]


def test_outside_git_dvc_has_to_be_told_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"lies in no git repository, .*: dvc config core\.no_scm true\.$"):
        worktree.prepared(tmp_path, dirty=False, say=print)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    no_scm = true\n['remote \"a\"']\n    url = s3://a/%b\n")
    assert worktree.prepared(tmp_path, dirty=False, say=print).folder == tmp_path
