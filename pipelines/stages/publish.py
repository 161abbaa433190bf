"""The generator's run in MLflow completed, the generator registered: reads all results, writes what was published.

The store may be away: the stage's output is the same, and `ganlib sync` does the rest once it is back.
"""

import json
import sys

from ganlib import files
from ganlib.settings import Settings
from pipelines import paths, registry, stage
from pipelines.tracking import StoreError


def run(settings: Settings) -> None:
    """Writes the digests of what is published and shows it in MLflow."""
    manifest = registry.manifest(settings)
    files.write_text(paths.PUBLISHED, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    try:
        synced = registry.sync(settings, published=manifest)
    except StoreError as away:
        print(f"warning: {away}", file=sys.stderr)
    else:
        print(synced.sentence())


if __name__ == "__main__":
    stage.main(run)
