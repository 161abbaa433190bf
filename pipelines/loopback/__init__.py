"""Servers that are started here and listen on this machine alone.

What answers pages of ours is in guard.py and serving.py; importing this package imports neither.
"""

from .ports import HOST, listening, require_free, wait_for

__all__ = ["HOST", "listening", "require_free", "wait_for"]
