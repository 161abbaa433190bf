"""What README and docs/ tell a person to open or to type is there: links, files, commands, settings, code."""

import ast
import itertools
import re
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from ganlib.settings import Settings, plain
from pipelines.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in PAGES}
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SHELL = ("console", "bash", "sh")


def blocks(languages: tuple[str, ...]) -> list[Any]:
    """Every fenced block in one of these languages, with the page that it is on."""
    found = []
    for page, text in TEXTS.items():
        for number, (language, code) in enumerate(re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)):
            if language in languages:
                found.append(pytest.param(code, id=f"{page}-{number}"))
    return found


def typed(code: str) -> list[list[str]]:
    """The commands of a block, word by word; what a terminal answered, and comments, are left out."""
    lines = re.sub(r"\\\n\s*", " ", code).splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    found = []
    for line in lines:
        for part in re.split(r"\s*(?:;|&&|\|)\s+", re.sub(r"\s+#.*$|^#.*$", "", line)):
            words = shlex.split(part) if part.strip() else []
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words:
                found.append(words)
    return found


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_leads_somewhere(page: str) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)", TEXTS[page]):
        place = (ROOT / page).parent / target if target else ROOT / page
        assert place.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", place.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}, anchor


@pytest.mark.parametrize("page", [page for page in TEXTS if not page.startswith("docs/decisions")])
def test_every_file_that_is_named_is_there(page: str) -> None:
    for name in re.findall(r"`((?:ganlib|pipelines|tests|benchmarks|docs|params)/[\w./-]+\.\w+)`", TEXTS[page]):
        assert (ROOT / name).exists() or Path(name).stem == "mine", name


@pytest.mark.parametrize("code", blocks(SHELL))
def test_every_command_that_is_typed_exists(code: str) -> None:
    for words in typed(code):
        match words:
            case ["make", target, *_]:
                assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
            case ["ganlib", name, *rest] if not name.startswith("-"):
                known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
                known |= {option for parameter in COMMANDS[name].params for option in parameter.secondary_opts}
                for word in rest:
                    option = word.partition("=")[0]
                    assert not re.match(r"--?[a-z]", option) or option in known | {"--help"}, f"{name} {option}"
            case ["python", "-m", module, *_]:
                assert find_spec(module) is not None, module
            case ["python", script, *_] if script.endswith(".py"):
                assert (ROOT / script).exists(), script


@pytest.mark.parametrize("code", blocks(SHELL))
def test_every_setting_that_is_changed_exists(code: str) -> None:
    known = plain(Settings())
    choices = ("network", "loss", "penalty", "augmentation")
    for words in typed(code):
        for flag, change in itertools.pairwise(words):
            if flag in ("-S", "--set-param") and words[0] == "dvc":
                section, _, key = change.lstrip("+~").partition("=")[0].partition(".")
                assert section in known, change
                assert not key or key in known[section] or section in choices, change


@pytest.mark.parametrize("code", blocks(("python",)))
def test_python_is_python(code: str) -> None:
    ast.parse(code)


@pytest.mark.parametrize("code", blocks(("yaml",)))
def test_yaml_is_yaml(code: str) -> None:
    YAML(typ="safe").load(code)
