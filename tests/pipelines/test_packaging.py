"""What is carried along is enough, and no more than that."""

import subprocess
import sys
from pathlib import Path

import pytest
from mlflow_project import Project

from ganlib import components
from pipelines import packaging, paths


@pytest.mark.parametrize("network", components.names("networks"))
def test_the_closure_of_every_network_imports_with_nothing_else_of_ganlib(
    project: Project, tmp_path: Path, network: str
) -> None:
    packaging.pack(tmp_path / "packed", network)
    names = ["bundle", "sampling", f"networks.{network}"]
    code = (
        f"import sys; sys.path[:] = [p for p in sys.path if p]; sys.path.insert(0, {str(tmp_path / 'packed/code')!r})\n"
    )
    code += "".join(
        f"import ganlib.{name} as m; assert m.__file__.startswith({str(tmp_path)!r}), m\n" for name in names
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_training_and_other_networks_are_not_carried(project: Project) -> None:
    carried = {file.as_posix() for file in packaging.closure("mlp")}
    assert "networks/mlp.py" in carried
    assert carried.isdisjoint({"networks/dcgan.py", "training.py", "losses/__init__.py", "prepared.py"})


def test_the_code_digest_changes_with_every_carried_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = packaging.code_digest("mlp")
    assert packaging.code_digest("mlp") == before
    served = project.folder / "model.py"
    served.write_bytes(packaging.SERVED_BY.read_bytes() + b"\n")
    monkeypatch.setattr(packaging, "SERVED_BY", served)
    assert packaging.code_digest("mlp") != before


def test_what_is_packed_is_listed_with_its_digest(project: Project, tmp_path: Path) -> None:
    digests = packaging.pack(tmp_path / "packed", "mlp")
    there = {
        path.relative_to(tmp_path / "packed").as_posix()
        for path in (tmp_path / "packed").rglob("*.*")
        if path.is_file()
    }
    assert set(digests) == there
    assert (tmp_path / "packed" / "generator.safetensors").read_bytes() == (
        paths.GAN / "generator.safetensors"
    ).read_bytes()
