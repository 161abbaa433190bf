"""Processes by number and start: whether that very one still lives."""

import psutil

SAME_START_SECONDS = 2.0


def is_alive(number: int, started: float) -> bool:
    """Whether the process of this number that started then, in seconds since 1970, is there."""
    try:
        process = psutil.Process(number)
        gone = process.status() == psutil.STATUS_ZOMBIE
        return not gone and abs(process.create_time() - started) < SAME_START_SECONDS
    except (psutil.NoSuchProcess, ValueError):  # a number below zero, for one
        return False
