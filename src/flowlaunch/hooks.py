"""What a client tells while it works: one event per attempt, pause, sign-in and warning.

Hand a callable as `hooks=` to see every event, for metrics for instance. The same events go to the standard
logger `flowlaunch.client`; flowlaunch configures no handler and no level.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Event", "Hook"]

logger = logging.getLogger("flowlaunch.client")
logger.addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. It never holds a token, a secret or input data.

    `status` is the HTTP status, None when no answer came; `outcome` says in a word or a sentence what became of
    it; times are in seconds.
    """

    kind: Literal["attempt", "pause", "sign-in", "warning"]
    operation: str = ""
    outcome: str = ""
    status: int | None = None
    elapsed_s: float = 0.0
    correlation_id: str = ""


Hook: TypeAlias = Callable[[Event], None]

_LEVELS = {
    "attempt": logging.DEBUG,
    "pause": logging.DEBUG,
    "sign-in": logging.INFO,
    "warning": logging.WARNING,
}


class Teller:
    """Hands events to the log and to a hook; a hook that raises is logged and harms nobody."""

    def __init__(self, hook: Hook | None) -> None:
        self._hook = hook

    @property
    def is_heard(self) -> bool:
        """Whether building an event for an attempt is worth its time."""
        return self._hook is not None or logger.isEnabledFor(logging.DEBUG)

    def also(self, hook: Hook) -> None:
        """Tell `hook` too, after whoever is told already."""
        first = self._hook

        def both(event: Event) -> None:
            if first is not None:
                first(event)
            hook(event)

        self._hook = both

    def tell(self, event: Event) -> None:
        """Hand `event` on."""
        logger.log(
            _LEVELS[event.kind],
            "%s %s: %s (status %s, %.3f s, correlation id %s)",
            event.kind,
            event.operation,
            event.outcome,
            event.status,
            event.elapsed_s,
            event.correlation_id,
            extra={"flowlaunch": event},
        )
        if self._hook is None:
            return
        try:
            self._hook(event)
        except Exception:
            logger.exception("a hook failed on %s", event.kind)
