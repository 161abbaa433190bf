"""What the page does: the scripts of this folder, one after another, as one."""

from pathlib import Path

PARTS = ("common", "samples", "between", "nearest", "vote")
"""In this order: each knows those before it."""

SCRIPT = "\n".join((Path(__file__).parent / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)
