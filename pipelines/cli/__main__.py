"""`python -m pipelines.cli` is the `ganlib` command."""

from pipelines.cli import app

app()
