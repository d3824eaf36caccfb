"""Who sends a callback now: a name that tells on the same machine whether its process is still there."""

from __future__ import annotations

import os
import platform
import secrets
from typing import Final

from flowlaunch.batch.ledger.liveness import process_exists

__all__ = ["is_dead", "new_holder"]

_OURS: Final[set[str]] = set()
"""Holders made by this very process: one of our pid that is not here is from before a restart."""
LONGEST_HOST: Final = 60


def new_holder() -> str:
    """Make the name of a holder in this process."""
    holder = f"{os.getpid()}@{platform.node()[:LONGEST_HOST]}/{secrets.token_hex(8)}"
    _OURS.add(holder)
    return holder


def is_dead(holder: str) -> bool:
    """Tell whether a holder's process is known to be gone; of another machine's nothing is known."""
    pid, _, rest = holder.partition("@")
    if rest.rpartition("/")[0] != platform.node()[:LONGEST_HOST] or not pid.isdecimal():
        return False
    return holder not in _OURS if int(pid) == os.getpid() else not process_exists(int(pid))
