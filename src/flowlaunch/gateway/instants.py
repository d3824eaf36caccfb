"""Instants between people and the ledger: told as datetimes, kept as microseconds since 1970 (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["is_kept", "kept", "moment"]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
EARLIEST_US: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
LATEST_US: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
FIRST_KEPT_US: Final = (datetime(2000, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
LAST_KEPT_US: Final = (datetime(2200, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND


def kept(at: datetime) -> int:
    """Return an instant as the ledger keeps it, exactly; also one that has no date in UTC."""
    return (at - EPOCH) // MICROSECOND


def is_kept(at_us: int) -> bool:
    """Tell whether an instant is one that somebody can mean: of the years 2000 to 2199."""
    return FIRST_KEPT_US <= at_us < LAST_KEPT_US


def moment(at_us: int) -> datetime:
    """Return a kept instant as it is told; one beyond the calendar is told as the calendar's end."""
    return EPOCH + max(EARLIEST_US, min(at_us, LATEST_US)) * MICROSECOND
