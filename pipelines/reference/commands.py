"""The page of commands: what each says of itself with --help."""

from typing import Any

import typer

from pipelines.cli import app

HEAD = """# Commands

`ganlib COMMAND --help` says the same. Exit codes: 0 all is well, 1 the answer is no, 2 a mistake of a person, told
in one sentence; a bug leaves its traceback. The pipeline's stages are run by `dvc repro`, and exit with 75 where
they were stopped and have saved what they need to go on.
"""
WIDTH = 110


def page() -> str:
    """Markdown: a section for each command that is not hidden."""
    group: Any = typer.main.get_command(app)
    parts = [HEAD]
    for name, command in group.commands.items():
        if not command.hidden:
            context = group.context_class(command, info_name=f"ganlib {name}", terminal_width=WIDTH)
            parts.append(f"## ganlib {name}\n\n```text\n{command.get_help(context).rstrip()}\n```\n")
    return "\n".join(parts)
