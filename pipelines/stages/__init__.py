"""One short script for each stage of dvc.yaml."""

import os

# Before torch is loaded. By default OpenMP's threads spin while they wait for each other: where another process wants
# the same cores, small networks then train ten times slower (54 images/s instead of 540, measured).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
