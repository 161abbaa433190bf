"""One short script for each stage of dvc.yaml."""

import importlib.util
import os
import sys

if importlib.util.find_spec("jaxtyping") is None:
    # DVC starts `python`, which is another one where .venv was not activated.
    sys.stderr.write(
        f"error: {sys.executable} has none of the packages that the stages need; activate the environment that has "
        f"them: source .venv/bin/activate.\n"
    )
    sys.exit(2)

# Before torch is loaded. By default OpenMP's threads spin while they wait for each other: where another process wants
# the same cores, small networks then train ten times slower (54 images/s instead of 540, measured).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
