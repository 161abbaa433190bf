"""What the log of a flow says: a child's lines as they are, and each failure once."""

import logging

from prefect import get_run_logger


def say(line: str) -> None:
    """Passes a child's line on to the run that is current, errors as errors."""
    get_run_logger().log(logging.ERROR if line.lower().startswith("error: ") else logging.INFO, "%s", line)


def says_something(record: logging.LogRecord) -> bool:
    """Drops Prefect's empty traceback of a returned Failed state: another line says the same in one sentence."""
    return record.exc_info != (None, None, None)
