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
        if name.isupper() and isinstance(value, Path) and name != "STATE"
    }
    assert wired == in_code


def test_the_training_key_covers_the_code_that_dvc_watches() -> None:
    parsed = params.load(ROOT / "params.yaml")
    watched = {path for path in dependencies("train") if path.endswith(".py")}
    assert {str(path) for path in lineage.train_code(parsed)} == watched
    assert set(lineage.TRAIN_SECTIONS) == set(STAGES["train"]["params"])


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
