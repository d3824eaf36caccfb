"""Launches page by page or by what a person has, newest first, in a time that does not grow with how many there are.

What is asked for decides how it is read. States that need attention have an index, and a route's launches are a
range of rows: both are read batch by batch and merged. Anything else is read along the launches themselves, a
bounded stretch a page, so that a rare match costs several short reads and never one long one. What names a launch
has an index each.
"""

from __future__ import annotations

import base64
import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta
from sqlalchemy import ColumnElement, and_, func, or_, select

from flowlaunch.batch.ledger.rows import in_states
from flowlaunch.batch.ledger.schema import IN_ATTENTION, attempts, rows
from flowlaunch.batch.ledger.schema_gateway import launches
from flowlaunch.batch.states import RowState  # noqa: TC001 - msgspec reads the annotations at run time
from flowlaunch.gateway.store.launches import LaunchRecord, bounds_of, first_id_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row, Select

    from flowlaunch.batch.ledger.store import Store

__all__ = ["Cursor", "LaunchFilter", "LaunchPage", "page", "search"]

MOST_ID: Final = 2**63 - 1
STRETCH: Final = 5_000
"""Launches looked at for one page at most where no index leads to those wanted."""


class LaunchFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which launches are meant: every condition given must hold."""

    states: tuple[RowState, ...] = ()
    batch_ids: tuple[int, ...] = ()
    caller: str | None = None
    created_from_us: int | None = None
    created_until_us: int | None = None


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where the next page begins: below `before_id`, and in each batch named below a row."""

    before_id: Annotated[str, Meta(pattern=r"^ln_[0-9a-f]{1,37}$")] | None = None
    before_rows: dict[int, Annotated[int, Meta(ge=0, le=MOST_ID)]] = {}

    def text(self) -> str:
        """Return the cursor as callers hold it."""
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(self)).rstrip(b"=").decode()

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """Return the cursor that `text` is; None when it is none."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            return msgspec.msgpack.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=cls)
        except ValueError:
            return None


class LaunchPage(msgspec.Struct, frozen=True):
    """One page; `next` leads on while it is not None, also from a page that holds few launches or none."""

    launches: tuple[LaunchRecord, ...]
    next: Cursor | None


def page(
    store: Store, where: LaunchFilter, *, cursor: Cursor | None = None, limit: int = 50, batch_ids: Sequence[int] = ()
) -> LaunchPage:
    """Return up to `limit` launches that `where` names, newest first.

    `batch_ids` are all batches that hold launches, for a filter that names none.
    """
    at = cursor or Cursor()
    is_attention = bool(where.states) and set(where.states) <= set(IN_ATTENTION)
    with store.read("list launches") as connection:
        if where.batch_ids or is_attention:
            return _merged(connection, where, at, limit, where.batch_ids or batch_ids, by_state=is_attention)
        return _along(connection, where, at, limit)


def search(store: Store, text: str, where: LaunchFilter, *, limit: int = 50) -> tuple[LaunchRecord, ...]:
    """Return up to `limit` of the launches meant by `where` that `text` names, newest first.

    It is a launch id, an idempotency key, a row key or an execution id, and may be more than one of them.
    """
    forms = store.keyed_hash.forms_of(text)
    callers = _with_keys() if where.caller is None else (where.caller,)
    names = (
        launches.c.id == text,
        and_(launches.c.caller.in_(callers), launches.c.idempotency_key.in_(forms)),
        rows.c.key.in_(forms),
        launches.c.row_id.in_(select(attempts.c.row_id).where(attempts.c.execution_id == text)),
    )
    meant = select(*_COLUMNS).select_from(_JOINED).where(*_in_time(where), *_conditions(where), *_in_batches(where))
    newest = meant.order_by(launches.c.id.desc()).limit(limit)
    with store.read("search launches") as connection:
        found = {one.id: _record(one) for name in names for one in connection.execute(newest.where(name))}
    return tuple(found[launch_id] for launch_id in sorted(found, reverse=True)[:limit])


def _with_keys() -> Select[tuple[str]]:
    """Return who launched under idempotency keys, each found in the index by one step from the one before."""
    has_key = launches.c.idempotency_key.is_not(None)
    each = select(func.min(launches.c.caller).label("caller")).where(has_key).cte("each", recursive=True)
    following = select(func.min(launches.c.caller)).where(has_key, launches.c.caller > each.c.caller).scalar_subquery()
    each = each.union_all(select(following).where(each.c.caller.is_not(None)))
    return select(each.c.caller).where(each.c.caller.is_not(None))


_COLUMNS: Final = [launches.c[name] for name in LaunchRecord.__struct_fields__]
_JOINED: Final = launches.join(rows, rows.c.id == launches.c.row_id)


def _along(connection: Connection, where: LaunchFilter, at: Cursor, limit: int) -> LaunchPage:
    """Read along the launches, at most a stretch of them."""
    size = STRETCH if where.states or where.caller is not None else limit
    stretch = select(launches.c.id).where(*_in_time(where)).order_by(launches.c.id.desc()).limit(size)
    if at.before_id is not None:
        stretch = stretch.where(launches.c.id < at.before_id)
    ids = connection.execute(stretch).scalars().all()
    if not ids:
        return LaunchPage((), None)
    wanted = (
        select(*_COLUMNS)
        .select_from(_JOINED)
        .where(launches.c.id <= ids[0], launches.c.id >= ids[-1], *_conditions(where))
        .order_by(launches.c.id.desc())
        .limit(limit)
    )
    found = tuple(map(_record, connection.execute(wanted)))
    last = found[-1].id if len(found) == limit else ids[-1] if len(ids) == size else None
    return LaunchPage(found, Cursor(last) if last is not None else None)


@dataclass(frozen=True, slots=True)
class Stream:
    """Launches of one batch, newest first; more may lie below `end_row`, if that is not None."""

    batch_id: int
    found: list[LaunchRecord]
    end_row: int | None

    def rest_below(self, taken: set[int]) -> int:
        """Return the row below which the next page goes on, once the launches of the rows `taken` were shown."""
        left = [one.row_id for one in self.found if one.row_id not in taken]
        return max(left) + 1 if left else self.end_row or bounds_of(self.batch_id)[0]


def _merged(
    connection: Connection, where: LaunchFilter, at: Cursor, limit: int, batch_ids: Sequence[int], *, by_state: bool
) -> LaunchPage:
    """Read each batch from its newest row on, and take the newest of all."""
    read = _in_attention if by_state else _in_range
    streams = []
    for batch_id in batch_ids:
        first, beyond = bounds_of(batch_id)
        streams.append(read(connection, where, batch_id, (first, at.before_rows.get(batch_id, beyond)), limit))
    merged = heapq.merge(*(stream.found for stream in streams), key=lambda one: one.id, reverse=True)
    taken = tuple(one for one, _ in zip(merged, range(limit), strict=False))
    if len(taken) < limit and all(stream.end_row is None for stream in streams):
        return LaunchPage(taken, None)
    row_ids = {one.row_id for one in taken}
    return LaunchPage(taken, Cursor(None, {stream.batch_id: stream.rest_below(row_ids) for stream in streams}))


def _in_attention(
    connection: Connection, where: LaunchFilter, batch_id: int, between: tuple[int, int], limit: int
) -> Stream:
    """Read by the index of rows in attention."""
    first, below = between
    found: list[LaunchRecord] = []
    other = [*_in_time(where), *_conditions(msgspec.structs.replace(where, states=()))]
    for state in where.states:
        wanted = select(*_COLUMNS).select_from(_JOINED).order_by(rows.c.id.desc()).limit(limit)
        wanted = wanted.where(in_states(batch_id, (state,)), rows.c.id >= first, rows.c.id < below, *other)
        found += map(_record, connection.execute(wanted))
    found = sorted(found, key=lambda one: one.row_id, reverse=True)[:limit]
    return Stream(batch_id, found, found[-1].row_id if len(found) == limit else None)


def _in_range(
    connection: Connection, where: LaunchFilter, batch_id: int, between: tuple[int, int], limit: int
) -> Stream:
    """Read along the batch's rows, at most a stretch of them."""
    first, below = between
    size = STRETCH if where.states or where.caller is not None else limit
    stretch = select(launches.c.row_id).where(launches.c.row_id >= first, launches.c.row_id < below, *_in_time(where))
    row_ids = connection.execute(stretch.order_by(launches.c.row_id.desc()).limit(size)).scalars().all()
    if not row_ids:
        return Stream(batch_id, [], None)
    wanted = select(*_COLUMNS).select_from(_JOINED).order_by(launches.c.row_id.desc()).limit(limit)
    seen = (launches.c.row_id <= row_ids[0], launches.c.row_id >= row_ids[-1])
    found = list(map(_record, connection.execute(wanted.where(*seen, *_in_time(where), *_conditions(where)))))
    if len(found) == limit:
        return Stream(batch_id, found, found[-1].row_id)
    return Stream(batch_id, found, row_ids[-1] if len(row_ids) == size else None)


def _in_time(where: LaunchFilter) -> list[ColumnElement[bool]]:
    parts: list[ColumnElement[bool]] = []
    if where.created_from_us is not None:
        parts.append(launches.c.id >= first_id_at(where.created_from_us))
    if where.created_until_us is not None:
        parts.append(launches.c.id < first_id_at(where.created_until_us))
    return parts


def _in_batches(where: LaunchFilter) -> list[ColumnElement[bool]]:
    ranges = [bounds_of(batch_id) for batch_id in where.batch_ids]
    inside = [and_(launches.c.row_id >= first, launches.c.row_id < beyond) for first, beyond in ranges]
    return [or_(*inside)] if inside else []


def _conditions(where: LaunchFilter) -> list[ColumnElement[bool]]:
    parts: list[ColumnElement[bool]] = []
    if where.states:
        parts.append(rows.c.state.in_([state.value for state in where.states]))
    if where.caller is not None:
        parts.append(launches.c.caller == where.caller)
    return parts


def _record(one: Row[*tuple[Any, ...]]) -> LaunchRecord:
    return LaunchRecord(**one._mapping)  # noqa: SLF001 - SQLAlchemy's own public name
