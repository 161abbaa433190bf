from collections.abc import Iterator

import pytest
from projects import Project, copy_of_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose pipeline has run once. Tests that change it put it back."""
    made = copy_of_project(tmp_path_factory.mktemp("end-to-end") / "project")
    output = made.dvc("repro")
    assert made.ran(output) == ["prepare", "train", "classifier", "sample", "evaluate", "publish"], output
    return made


@pytest.fixture
def params_put_back(project: Project) -> Iterator[Project]:
    before = (project.folder / "params.yaml").read_bytes()
    yield project
    (project.folder / "params.yaml").write_bytes(before)
