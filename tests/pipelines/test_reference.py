"""The pages of reference say what the code does, and params.yaml knows every setting."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ganlib.settings import Settings, plain
from pipelines import reference
from pipelines.reference import settings, values

ROOT = Path(__file__).parents[2]
PAGES = reference.pages(ROOT)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_what_the_code_makes_of_it(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], "run python -m pipelines.reference"


def test_every_setting_is_in_params_yaml_with_its_meaning() -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    shipped: dict[str, Any] = YAML(typ="safe").load(text)
    known = plain(Settings())
    assert list(shipped) == list(known)
    named = []
    for section, held in known.items():
        if isinstance(held, dict):
            assert list(shipped[section]) == list(held), section
            named += [f"{section}.{key}" for key in held]
        else:
            named.append(section)
    assert list(settings.comments(text)) == named


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "exclusiveMinimum": 0, "maximum": 30}, "whole number, > 0, ≤ 30"),
        ({"anyOf": [{"type": "number", "minimum": 0}, {"$ref": "#/$defs/Schedule"}]}, "number, ≥ 0, or schedule"),
        ({"enum": ["error", "skip"], "type": "string"}, "`error`, `skip`"),
        ({"type": "integer", "minimum": 0, "exclusiveMaximum": 2**63}, "whole number, ≥ 0"),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "true or false, or empty"),
    ],
)
def test_what_a_setting_takes_is_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert values.taken(schema) == words


@given(text=st.text())
def test_whatever_stands_in_a_cell_stays_in_it(text: str) -> None:
    (line,) = values.table(["a"], [[text]]).split("\n")[2:]
    assert line.replace("\\|", "").count("|") == 2
