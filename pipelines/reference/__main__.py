"""Writes docs/reference anew: `python -m pipelines.reference`."""

from pathlib import Path

from ganlib import files

from . import pages

ROOT = Path(__file__).parents[2]

if __name__ == "__main__":
    for path, text in pages(ROOT).items():
        files.write_text(path, text)
