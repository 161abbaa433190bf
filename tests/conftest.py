"""For every test: signals and threads as a person's terminal has them."""

import os
import signal

import hypothesis
import pytest
from proofs import pytest_addoption, pytest_terminal_summary

__all__ = ["pytest_addoption", "pytest_terminal_summary"]

# Two test processes on two cores otherwise spin waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell starts what it puts into the background with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that does other things besides is no failed law.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes too long for CI is left out, unless `-m` names it."""
    if "prove" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("prove")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not item.get_closest_marker("prove")]
