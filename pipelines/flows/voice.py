"""What the log of a flow says: a child's lines as they are, and each failure once."""

import logging

from prefect import get_run_logger

INTERRUPTED = "Execution was aborted by an interrupt signal."
"""Prefect's words, of a task that crashes."""


def say(line: str) -> None:
    """Passes a child's line on to the run that is current, errors as errors."""
    get_run_logger().log(logging.ERROR if line.lower().startswith("error: ") else logging.INFO, "%s", line)


def says_something(record: logging.LogRecord) -> bool:
    """Drops Prefect's empty traceback of a returned Failed state, and its alarm at Ctrl-C: others say it better."""
    return record.exc_info != (None, None, None) and INTERRUPTED not in record.getMessage()
