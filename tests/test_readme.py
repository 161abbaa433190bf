"""The README says what the code does."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

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
