"""Quotas counted in the database, so that several gateways on one ledger share them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from flowlaunch.batch.ledger.schema_edges import quota_windows as windows

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["forget_windows", "take"]

SECOND_US = 1_000_000


def take(connection: Connection, subject: str, *, length_s: int, limit: int, wanted: int, now_us: int) -> int:
    """Take up to `wanted` of what is left of a subject's window, and return how many were taken."""
    length_us = length_s * SECOND_US
    start_us = now_us - now_us % length_us
    here = (windows.c.subject == subject, windows.c.length_s == length_s, windows.c.start_us == start_us)
    used = connection.execute(select(windows.c.used).where(*here).with_for_update()).scalar()
    taken = max(0, min(wanted, limit - (used or 0)))
    if used is None:
        connection.execute(insert(windows).values(subject=subject, length_s=length_s, start_us=start_us, used=taken))
        connection.execute(
            delete(windows).where(
                windows.c.subject == subject, windows.c.length_s == length_s, windows.c.start_us < start_us
            )
        )
    elif taken:
        connection.execute(update(windows).where(*here).values(used=windows.c.used + taken))
    return taken


def forget_windows(connection: Connection, before_us: int) -> int:
    """Delete windows that began before an instant, of subjects that no one uses any more."""
    return connection.execute(delete(windows).where(windows.c.start_us < before_us)).rowcount
