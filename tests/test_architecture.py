"""What may import what, and what must not be paid for by those who do not use it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.partition(".")[0] for name in done.stdout.split()}


TRAINING = "import ganlib.training, ganlib.sampling, ganlib.bundle"


@pytest.mark.parametrize(
    "heavy", ["torch_fidelity", "torchvision", "pandas", "PIL", "sklearn", "mlflow", "dvc", "prefect"]
)
def test_training_and_sampling_need_torch_numpy_pydantic_jaxtyping_and_safetensors_alone(heavy: str) -> None:
    assert heavy not in modules_after(TRAINING)


@pytest.mark.parametrize("heavy", ["torch", "mlflow", "prefect", "dvc", "pandas"])
def test_the_command_line_starts_without_heavy_imports(heavy: str) -> None:
    assert heavy not in modules_after("import pipelines.cli")


HELP = """
import sys
before = set(sys.modules)
import typer
from pipelines.cli import app

def ways(command, path=()):
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from ways(inner, (*path, name))

asked = 0
for words in ways(typer.main.get_command(app)):
    try:
        app([*words, "--help"])
    except SystemExit as end:
        assert end.code == 0, words
    asked += 1
    more = set(sys.modules) - before
    heavy = more & {"rich", "pydantic", "asyncio", "numpy", "torch", "psutil", "ruamel", "filelock", "urllib.request"}
    assert not heavy, (words, heavy)
    assert len(more) <= 120, (words, len(more))
assert asked > 4
"""


def test_no_help_pays_for_what_the_command_would_need() -> None:
    """Modules are counted, not seconds: a busy machine does not change them."""
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("heavy", ["mlflow", "prefect", "dvc"])
@pytest.mark.parametrize("name", ["prepare", "train", "classifier", "sample", "evaluate"])
def test_a_stage_starts_without_the_tools_around_it(heavy: str, name: str) -> None:
    assert heavy not in modules_after(f"import pipelines.stages.{name}")


def test_the_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout
