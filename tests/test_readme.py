"""The README says what the code does."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ganlib import components
from ganlib.augmentations import Augmentation
from ganlib.networks import NetworkFamily
from ganlib.penalties import Penalty

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        else:
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            found[prefix + name] = "" if value is None else shown
    return found


def test_the_settings_table_lists_every_parameter_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([a-z0-9_.]+)` \| (?:`([^`]*)`)? ?\|", README, re.MULTILINE))
    assert rows == flat(YAML(typ="safe").load(ROOT / "params.yaml"))


def test_the_settings_table_says_what_params_yaml_says_of_each() -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    comments = [comment for _, comment in re.findall(r"^( *[a-z0-9_]+:).*? # (.*)$", text, re.MULTILINE)]
    table = README.partition("| setting | default |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `[a-z0-9_.]+` \|[^|]*\| (.*) \|$", table, re.MULTILINE) == comments


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!http)([^)#]+)", README))))
def test_every_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


@pytest.mark.parametrize("target", re.findall(r"^make ([a-z]+)", README, re.MULTILINE))
def test_every_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("folder", "interface"), [("networks", NetworkFamily), ("penalties", Penalty), ("augmentations", Augmentation)]
)
def test_the_options_of_each_component_are_those_of_its_file(folder: str, interface: type) -> None:
    for name in components.names(folder):
        if name == "none":
            continue
        row = next(line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
        told = dict(re.findall(r"`(\w+):([^`]*)`", row))
        known = {field.name: field.default for field in dataclasses.fields(components.leaf(interface, name))}
        assert list(told) == list(known), name
        for option, default in known.items():
            shown = "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
            assert told[option].strip() == shown, f"{name}.{option}"
