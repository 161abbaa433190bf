"""For every test: signals and threads as a person's terminal has them."""

import os
import signal

import hypothesis

# Two test processes on two cores otherwise spin waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell starts what it puts into the background with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that does other things besides is no failed law.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
