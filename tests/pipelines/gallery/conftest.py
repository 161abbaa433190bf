"""One project and one running gallery for all tests of a file."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench_project import SETTINGS, SLOW, publish_both, with_bench
from gallery_support import Server, gallery
from mlflow_project import project_in


@pytest.fixture(scope="module")
def gallery_folder(tmp_path_factory: pytest.TempPathFactory, empty_database: bytes) -> Path:
    """A project whose generator has two registered versions, with data and a classifier."""
    folder = tmp_path_factory.mktemp("gallery") / "project"
    with pytest.MonkeyPatch.context() as patch:
        publish_both(with_bench(project_in(folder, patch, empty_database)))
        quick = {**SETTINGS["evaluate"], "leave_out": SLOW}  # type: ignore[dict-item]
        Path("params.yaml").write_text(json.dumps({**SETTINGS, "evaluate": quick}))
    return folder


@pytest.fixture(scope="module")
def two(gallery_folder: Path) -> Iterator[Server]:
    """A gallery of both versions."""
    with gallery(gallery_folder, "1", "2") as server:
        yield server
