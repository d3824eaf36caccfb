"""After a fork: what the child has inherited makes locks and connections of its own before any thread can use it."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Holds locks or connections that a forked child must not share."""

    def begin_process(self) -> None:
        """Start afresh: a fork copies locks that other threads of the parent hold, and nobody releases the copies."""
        ...


_alive: WeakSet[Forkable] = WeakSet()


def renew_after_fork(part: Forkable) -> None:
    """Have `part` begin its process anew in every forked child, for as long as it lives."""
    _alive.add(part)


def _begin_child() -> None:
    for part in list(_alive):
        part.begin_process()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)
