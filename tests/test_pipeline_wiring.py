"""dvc.yaml, params.yaml, the settings and the code say the same thing."""

import ast
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ganlib import components, settings
from pipelines import lineage, packaging, params, paths

ROOT = Path(__file__).parents[1]
STAGES: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
PARAMS: dict[str, Any] = YAML(typ="safe").load(ROOT / "params.yaml")
ORDER = list(STAGES)


def outputs(stage: str) -> set[str]:
    entries = itertools.chain(*(STAGES[stage].get(kind, []) for kind in ("outs", "metrics", "plots")))
    return {entry if isinstance(entry, str) else next(iter(entry)) for entry in entries}


def dependencies(stage: str) -> set[str]:
    """With the names that params.yaml selects filled in."""

    def chosen(match: re.Match[str]) -> str:
        value: Any = PARAMS
        for part in match[1].split("."):
            value = value[part]
        return str(value)

    return {re.sub(r"\$\{([^}]+)\}", chosen, entry) for entry in STAGES[stage]["deps"]}


def watched(stage: str) -> set[str]:
    """The code that the stage depends on, file by file."""
    found: set[str] = set()
    for entry in dependencies(stage):
        if entry.startswith(("ganlib/", "pipelines/")):
            inside = {str(path.relative_to(ROOT)) for path in (ROOT / entry).rglob("*.py")}
            found |= inside if (ROOT / entry).is_dir() else {entry}
    return found


def imports(path: str) -> set[str]:
    """The files of ganlib that a file of this project imports by itself, each with its package's own."""
    package = Path(path).parent
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom):
            above = "." if node.level == 0 else package.parents[node.level - 2] if node.level > 1 else package
            module = Path(above, *(node.module or "").split("."))
            named = [module / alias.name for alias in node.names]
            found |= {str(file) for place in (module, *named) if (file := module_file(place)) is not None}
        elif isinstance(node, ast.Import):
            places = [Path(*alias.name.split(".")) for alias in node.names]
            found |= {str(file) for place in places if (file := module_file(place)) is not None}
    found |= {str(Path(file).parent / "__init__.py") for file in found}
    return {file for file in found if file.startswith("ganlib/") and file != "ganlib/__init__.py"}


def closure(waiting: set[str]) -> set[str]:
    """These files and all of ganlib that they import, and what that imports."""
    reached: set[str] = set()
    while waiting:
        reached |= waiting
        waiting = set().union(*map(imports, waiting)) - reached
    return reached


def module_file(place: Path) -> Path | None:
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if (ROOT / file).is_file()), None)


def test_params_yaml_is_valid_and_names_every_parameter() -> None:
    parsed = params.load(ROOT / "params.yaml")

    def keys(values: Any, prefix: str = "") -> set[str]:
        if not isinstance(values, dict):
            return {prefix}
        return set().union(*(keys(value, f"{prefix}.{name}") for name, value in values.items()))

    assert keys(settings.plain(parsed)) == keys(PARAMS), "a parameter is missing from params.yaml, or unknown"


def test_a_parameter_left_out_has_the_value_that_params_yaml_shows() -> None:
    """But for the two that suit the digits alone."""
    digits = {"data": {"resolution": 16, "channels": 1}}
    assert settings.parse(digits, where="digits") == params.load(ROOT / "params.yaml")


def test_the_stages_run_in_the_documented_order() -> None:
    assert ORDER == ["prepare", "train", "classifier", "sample", "evaluate", "publish"]
    made: set[str] = set()
    for stage in ORDER:
        needed = {path for path in dependencies(stage) if not path.startswith(("ganlib/", "pipelines/", ".dvcignore"))}
        assert needed <= made, f"{stage} reads what no earlier stage makes: {needed - made}"
        made |= outputs(stage)


def test_every_code_dependency_exists() -> None:
    for stage in ORDER:
        for path in dependencies(stage):
            if path.startswith(("ganlib/", "pipelines/")):
                assert (ROOT / path).exists(), f"{stage} depends on {path}"


def test_the_paths_in_the_code_are_those_of_dvc_yaml() -> None:
    wired = set().union(*(outputs(stage) for stage in ORDER))
    in_code = {
        str(value)
        for name, value in vars(paths).items()
        if name.isupper() and isinstance(value, Path) and not value.is_relative_to(paths.STATE)
    }
    by_commands = {str(path) for path in (paths.COMPARISON_PAGE, paths.SWEEP_PAGE, paths.GAME_PAGE)}
    assert wired == in_code - by_commands


def test_the_training_key_covers_the_code_that_dvc_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    parsed = params.load(ROOT / "params.yaml")
    assert {str(path) for path in lineage.train_code(parsed)} == watched("train")
    assert set(lineage.TRAIN_SECTIONS) == set(STAGES["train"]["params"])


DECIDES_NOTHING = {
    "bundle": "a description of what is trained, and how a generator is written to files",
    "capture": "replays the very kernels that a step consists of",
    "checkpoint": "gives back what it was given",
    "components": "finds the files that are watched",
    "device": "where it runs, like `device` itself",
    "errors": "sentences",
    "feature_cache": "gives back what it was given",
    "files": "whole files or none",
    "prepared": "reads data/prepared, which is watched",
    "settings": "its values are watched",
    "shapes": "names of shapes",
    "uncompiled": "imports less, and steps as an optimiser does",
}
"""Modules that a training imports and whose change need not train anew, with the reason."""


DRAWS = ("ganlib/training_page/", "ganlib/strokes/", "ganlib/html/", "ganlib/blocks.py")
"""What shows people a training that was computed before: to change its looks is no reason to train anew."""


def test_no_module_that_decides_what_a_training_gives_is_forgotten() -> None:
    """Components are found by name, so they are followed from the ones that params.yaml selects."""
    folders = {"network": "networks", "loss": "losses", "penalty": "penalties", "augmentation": "augmentations"}
    waiting = {f"ganlib/{folder}/{PARAMS[section]['name']}.py" for section, folder in folders.items()}
    waiting |= {"pipelines/stages/train.py", f"ganlib/features/{PARAMS['train']['evaluate_through']}.py"}
    reached = closure(waiting)
    forgotten = reached - watched("train") - {f"ganlib/{name}.py" for name in DECIDES_NOTHING}
    assert not {path for path in forgotten if not path.startswith(DRAWS)}
    assert {f"ganlib/{name}.py" for name in DECIDES_NOTHING} <= reached - watched("train"), "an old excuse"
    shared = ("ganlib/augmentations/", "ganlib/features/_")  # by components that are not selected now
    needless = {path for path in watched("train") - reached if not path.startswith(shared)}
    assert not needless, "editing these would train anew for nothing"


def test_no_module_that_decides_what_an_evaluation_says_is_forgotten() -> None:
    metrics = {str(path.relative_to(ROOT)) for path in (ROOT / "ganlib/metrics").glob("*.py")}
    reached = closure(
        {"pipelines/stages/evaluate.py", f"ganlib/features/{PARAMS['evaluate']['extractor']}.py"} | metrics
    )
    excused = set(DECIDES_NOTHING) | {"datasets/__init__", "networks/__init__", "latents", "schedules"}
    assert not reached - watched("evaluate") - {f"ganlib/{name}.py" for name in excused}
    needless = {path for path in watched("evaluate") - reached if not path.startswith("ganlib/features/_")}
    assert not needless, "editing these would evaluate anew for nothing"


def test_every_augmentation_is_watched_because_they_share_private_files() -> None:
    files = {f"ganlib/augmentations/{path.name}" for path in (ROOT / "ganlib/augmentations").glob("*.py")}
    assert {"ganlib/augmentations/ada.py", "ganlib/augmentations/_warping.py"} <= files <= watched("train")


@pytest.mark.parametrize("stage", ORDER)
def test_a_stage_depends_on_every_setting_it_reads(stage: str) -> None:
    source = ast.parse((ROOT / f"pipelines/stages/{stage}.py").read_text())
    read = {
        node.attr
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "settings"
    }
    sections = set(settings.known_keys(())) - {"device", "workers"}  # they decide where, not what
    declared = {name.partition(".")[0] for name in STAGES[stage]["params"]}
    assert read & sections <= declared


def test_publishing_watches_all_the_code_that_it_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shipped = {f"ganlib/{path}" for path in packaging.closure(PARAMS["network"]["name"])}
    assert shipped <= dependencies("publish")
    assert not shipped & {"ganlib/training.py", "ganlib/settings.py"}, "a generator needs nothing that trains"


@pytest.mark.parametrize("section", ["network", "loss", "penalty"])
def test_a_choice_that_is_not_selected_reruns_nothing(section: str) -> None:
    folder = {"network": "networks", "loss": "losses", "penalty": "penalties"}[section]
    others = set(components.names(folder)) - {PARAMS[section]["name"]}
    assert others
    for stage in ORDER:
        assert not {f"ganlib/{folder}/{name}.py" for name in others} & dependencies(stage)
