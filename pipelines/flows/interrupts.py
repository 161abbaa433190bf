"""Ctrl-C while a command of this package is at its imports, which take Prefect seconds: it ends without a word."""

import signal


def unheard() -> None:
    """From now on SIGINT ends the process as it would one that is not Python's; unless somebody sees to it already."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def heard() -> None:
    """From now on SIGINT is a KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
