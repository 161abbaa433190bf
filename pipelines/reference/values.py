"""What a setting takes, in words, from pydantic's JSON schema of it."""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

Schema = Mapping[str, Any]

PLAIN = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "empty"}
LIMITS = {"minimum": "≥ ", "exclusiveMinimum": "> ", "maximum": "≤ ", "exclusiveMaximum": "< "}
ENDLESS = 2**31
"""Limits beyond this guard a file format or a random stream, and tell a person nothing."""


def taken(schema: Schema) -> str:
    """`whole number, > 0`, `a, b or c`, `number, ≥ 0, or schedule`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1].lower()
    if "anyOf" in schema:
        return ", or ".join(taken(branch) for branch in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        parts = schema.get("prefixItems")
        return f"list of {len(parts)}" if parts else "list"
    limits = [f"{sign}{schema[name]:g}" for name, sign in LIMITS.items() if abs(schema.get(name, ENDLESS)) < ENDLESS]
    return ", ".join([PLAIN.get(str(schema.get("type")), "mapping"), *limits])


def shown(value: Any) -> str:
    """A default as params.yaml would have it; nothing where it is empty."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def cell(text: str) -> str:
    """In one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell(part) for part in line) + " |" for line in lines)


def docstrings_of_fields(holder: type[Any]) -> dict[str, str]:
    """The string below each field of a class, its parents' included."""
    found: dict[str, str] = {}
    for one in reversed(holder.__mro__):
        if one.__module__ == "builtins":
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        assert isinstance(definition, ast.ClassDef)
        for statement, below in pairwise(definition.body):
            match statement, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                    found[name] = inspect.cleandoc(said)
    return found
