"""How a gateway is operated: what it tells, what it bounds, what it removes and when it is copied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ORG_SILENCE_S", "BackupOptions", "ConnectionLimits", "OpsOptions", "Retention"]

ORG_SILENCE_S: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What one connection may take, and how many there may be.

    Attributes:
        most: connections at once; a further one is answered 503 and closed.
        head_bytes: of a request's line and headers; beyond, 431.
        head_s: until they are complete; beyond, 408.
        body_bytes_per_s: at which a body must come, over any five seconds; slower, 408.
        stalled_s: how long a client may leave an answer unread; then it is cut.
        idle_s: how long a connection is kept between requests.

    """

    most: int = 2_000
    head_bytes: int = 32_768
    head_s: float = 10.0
    body_bytes_per_s: int = 500
    stalled_s: float = 60.0
    idle_s: float = 75.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many days things are kept after they ended; None keeps them for ever.

    Attributes:
        launches: launches by routes and flows, with rows, attempts, results, callbacks and idempotency keys.
        batches: uploaded batches, each as a whole.
        messages: webhooks received. One that is sent again after this long is a new one.
        audit: lines of the audit log.

    """

    launches: float | None = 90.0
    batches: float | None = 90.0
    messages: float | None = 30.0
    audit: float | None = 730.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupOptions:
    """When the ledger is copied, to where, and how many copies are kept."""

    folder: Path
    every_hours: float = 24.0
    keep: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class OpsOptions:
    """How a gateway is operated.

    Attributes:
        log_format: `json`, one line a record, or `text` for a terminal.
        access_log: whether each request is a record.
        traces: whether spans are made; needs the extra `otel`.
        metrics: who may read /metrics: `loopback` or any API key that may read; `key`: the key is needed there, too;
            `open`: anybody; `off`: nobody.
        org_silence_s: how long the platform may be out of reach until the gateway is not ready; None: not judged.
        upkeep_every_s: pause between two passes that remove what is old.

    """

    log_format: Literal["json", "text"] = "text"
    log_level: str = "INFO"
    access_log: bool = True
    traces: bool = False
    metrics: Literal["loopback", "key", "open", "off"] = "loopback"
    org_silence_s: float | None = ORG_SILENCE_S
    upkeep_every_s: float = 3_600.0
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    retention: Retention = field(default_factory=Retention)
    backups: BackupOptions | None = None
