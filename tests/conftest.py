"""For every test: one OpenMP thread, because two test processes on two cores otherwise spin waiting for each other."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
