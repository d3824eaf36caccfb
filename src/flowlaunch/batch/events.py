"""What a running batch tells: one event at a time, to a callback, to the ledger and to whoever watches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

__all__ = ["EVENT_KINDS", "PASSING_KINDS", "RunEvent"]

EVENT_KINDS: Final[dict[str, str]] = {
    "created": "a batch was created and its rows are being read",
    "loaded": "every row of the source is in the ledger",
    "started": "a runner began to work on the batch",
    "recovered-rows": "rows that a dead runner had in flight are in doubt now",
    "progress": "the state of affairs, about once a second",
    "workers": "how many live workers, on whatever machines, can work on the batch has changed",
    "changed": "the rate or the concurrency was changed from outside",
    "ramp": "the next stage of the ramp began",
    "paused": "nothing more is launched until someone resumes the batch",
    "unpaused": "launching goes on",
    "outage": "the service cannot be reached; a single row tries, seldom",
    "recovered": "the service answers again",
    "pushed-back": "the service refused for now (429); everybody on this OAuth client waits",
    "clock-jump": "the wall clock jumped or the machine slept; slots were given back and windows are judged anew",
    "flow-republished": "the flow was published again; the batch goes on with the version it began with",
    "in-doubt": "a launch was sent and its outcome is unknown; it is not sent again",
    "refused": "the service refused a launch for good",
    "tracking-off": "ends are not followed, so the ramp cannot judge and is off",
    "end-unknown": "the end of one execution cannot be learnt; its row stays launched, with the reason",
    "tracking-lost": "the ends of executions cannot be read",
    "storage": "the ledger cannot be written, a full disk for instance",
    "unwritten": "the run ended without writing what came of some launches; their rows become in doubt",
    "stopping": "nothing new is launched; what is in flight is finished",
    "stopped": "the runner ended with rows left",
    "cancelled": "the rest of the batch was cancelled",
    "finished": "no row is left to launch, and no end left to learn",
}
"""Kind -> what it means. Every event of a runner has one of these."""

PASSING_KINDS: Final = frozenset({"progress", "workers"})
"""Kinds that are told but not recorded."""


class RunEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a batch. It holds no input data and no secret."""

    kind: str
    at: datetime
    message: str = ""
    fields: dict[str, Any] = {}


def event_at(kind: str, now_us: int, message: str = "", **fields: Any) -> RunEvent:
    """Return the event of `kind`; an unknown kind is a mistake of ours."""
    if kind not in EVENT_KINDS:
        raise KeyError(kind)
    return RunEvent(kind=kind, at=datetime.fromtimestamp(now_us / 1e6, UTC), message=message, fields=fields)
