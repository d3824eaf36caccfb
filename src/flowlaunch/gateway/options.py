"""How a gateway is to behave; every limit on what can grow is here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flowlaunch.gateway.ops.options import OpsOptions

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DEFAULT_PORT", "GatewayOptions"]

DEFAULT_PORT: Final = 8086


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """How one gateway behaves.

    Attributes:
        ledger: where launches are recorded: a file, or the URL of a database.
        uploads: folder for the files of uploaded batches; None: no uploads.
        routes_file: routes as TOML, reloaded when it changes; None: launches name their flow.
        port: 0 picks a free one.
        base_url: how apps reach the gateway, for the URLs in its answers; "": as it listens.
        allowed_hosts: host names a request may be for, beside those that it listens on and that of `base_url`.
        pace_per_minute: requests a minute that the OAuth client may send; None: no pace.
        concurrency: launches in flight at once, for each route.
        max_waiting_rows: launches that may wait to be sent in one route, unless the route says otherwise.
        max_body_bytes: of a request; max_upload_bytes: of the file of a batch.
        max_uploads_at_once: files received at once; max_unread_uploads: files that are not in the ledger yet;
            max_unread_upload_bytes: of all of these.
        max_exports: results of batches that are being made or sent at once.
        max_waiters: requests with `Prefer: wait` at once; longest_wait_s: how long one may wait.
        idle_s: how long a route's runner stays when there is nothing to do.
        works: whether this process launches; False only accepts.
        hands_over: whether workers of the ledger, in PostgreSQL, launch in the place of this process.
        stop_wait_s: how long a graceful stop waits for what is under way.
        callback_allow: origins and networks that callbacks may reach beside public https addresses.
        callback_hosts: when there are any, the only hosts that callbacks reach; `.example.com` is all below it.
        callback_secrets: where the secrets that sign callbacks are (`env:NAME`, `file:PATH`), the newest first.
        callback_ca_file: certificates that callbacks trust beside the usual ones.
        ops: log, metrics, bounds of connections, retention, backups.

    """

    ledger: Path | str
    uploads: Path | None = None
    routes_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    base_url: str = ""
    allowed_hosts: tuple[str, ...] = ()
    pace_per_minute: float | None = 300.0
    concurrency: int = 32
    timeout_s: float = 30.0
    max_waiting_rows: int = 100_000
    max_body_bytes: int = 1_000_000
    max_upload_bytes: int = 256_000_000
    max_uploads_at_once: int = 4
    max_unread_uploads: int = 100
    max_unread_upload_bytes: int = 2_000_000_000
    max_exports: int = 4
    max_waiters: int = 500
    longest_wait_s: float = 60.0
    idle_s: float = 300.0
    works: bool = True
    hands_over: bool = False
    stop_wait_s: float = 30.0
    ops: OpsOptions = field(default_factory=OpsOptions)
    callback_allow: tuple[str, ...] = ()
    callback_hosts: tuple[str, ...] = ()
    callback_secrets: tuple[str, ...] = ()
    callback_ca_file: Path | None = None
