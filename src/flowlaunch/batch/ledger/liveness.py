"""Whether a worker still lives: its heartbeat, and on this machine its process."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sqlalchemy import Row

__all__ = ["OURS", "lives", "process_exists"]

OURS: Final[set[str]] = set()
"""Workers started by this very process: one of our pid that is not here is from before a restart."""


def lives(found: Row[*tuple[Any, ...]], now_us: int, stale_after_s: float) -> bool:
    """Whether the worker of a row of the table `workers` is at work."""
    if now_us - found.heartbeat_us > stale_after_s * 1_000_000:
        return False
    if found.host != platform.node():
        return True
    if found.pid == os.getpid():
        return found.id in OURS
    return process_exists(found.pid)


def process_exists(pid: int) -> bool:
    """Whether a process of this machine is there and has not ended."""
    if sys.platform == "win32":
        return True  # asking would end it there: the heartbeat decides
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _has_ended(pid)


def _has_ended(pid: int) -> bool:
    """Whether a process ended and only waits for its parent to notice: killed ones stay so where nobody reaps."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return False
    return state[:1] in (["Z"], ["X"])
