"""Handovers: which batches worker processes work on, and what all of them together must heed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete, func, insert, select, update

from flowlaunch.batch.ledger import batches as batch_rows
from flowlaunch.batch.ledger.faults import retried
from flowlaunch.batch.ledger.schema import controls, counts, rows
from flowlaunch.batch.ledger.schema_workers import handovers
from flowlaunch.batch.states import RowState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from flowlaunch.batch.ledger.store import Store

__all__ = ["Baseline", "Handover", "end", "find", "give", "note", "take_back", "under_way"]


class Baseline(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What had gone wrong when somebody last let the batch go on: it was looked at and counts no more.

    Attributes:
        is_breached: whether the workers paused the batch for what went wrong since.

    """

    judged: int = 0
    wrong: int = 0
    in_doubt: int = 0
    is_breached: bool = False


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that workers work on.

    Attributes:
        client_key: whose budget its requests spend; only workers with this OAuth client work on it.
        profile: the profile it was begun with, for people.
        stage: stage of its ramp; `stage_full_us`: since when all rows of that stage have left.
        baseline: None until a worker first looked at it.
        overrides: how it is worked on, where that differs from what the batch recorded.
        states: rows by state.

    """

    batch_id: int
    client_key: str
    profile: str
    given_us: int
    done_us: int | None = None
    stage: int = 0
    stage_full_us: int | None = None
    baseline: Baseline | None = None
    overrides: dict[str, Any] = {}
    states: dict[RowState, int] = {}
    paused: bool = False
    paused_by: str = ""
    cancelled: bool = False
    rate_per_minute: float | None = None
    concurrency: int | None = None
    priority: int = 10

    @property
    def is_open(self) -> bool:
        """Whether rows of it are to be launched, or its end is not recorded yet."""
        return self.done_us is None or self.rows(RowState.PENDING) > 0

    def rows(self, *states: RowState) -> int:
        """Return how many rows are in any of these states."""
        return sum(self.states.get(state, 0) for state in states)


@retried(even_if_kept=True)
def give(
    store: Store,
    batch_id: int,
    *,
    client_key: str,
    profile: str,
    baseline: Baseline | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> None:
    """Hand a batch to the workers that have its OAuth client; once is enough, again lets an ended one go on.

    With a `baseline`, what went wrong until now counts no more. `overrides` are JSON values, without a secret.
    """
    with store.write("hand a batch to workers") as connection:
        batch_rows.find(connection, batch_id, store.place)
        changed: dict[str, Any] = {"client_key": client_key, "profile": profile, "done_us": None}
        changed["overrides"] = msgspec.json.encode(overrides or {}).decode()
        if baseline is not None:
            changed["baseline"] = msgspec.json.encode(baseline).decode()
        done = connection.execute(update(handovers).where(handovers.c.batch_id == batch_id).values(**changed))
        if not done.rowcount:
            connection.execute(insert(handovers).values(batch_id=batch_id, given_us=store.now_us(), stage=0, **changed))


@retried(even_if_kept=True)
def take_back(store: Store, batch_id: int) -> bool:
    """Have workers begin no more chunks of a batch; tell whether it was theirs."""
    with store.write("take a batch back from workers") as connection:
        return bool(connection.execute(delete(handovers).where(handovers.c.batch_id == batch_id)).rowcount)


def under_way(store: Store) -> tuple[Handover, ...]:
    """Return the batches of workers that have not ended, or have rows to launch or to follow again."""
    pending = (
        select(counts.c.batch_id)
        .where(counts.c.batch_id == handovers.c.batch_id, counts.c.state == RowState.PENDING.value)
        .group_by(counts.c.batch_id)
        .having(func.sum(counts.c.n) > 0)
    )
    followed = select(rows.c.id).where(rows.c.batch_id == handovers.c.batch_id, rows.c.look_at_us.is_not(None))
    return _read(store, handovers.c.done_us.is_(None) | pending.exists() | followed.exists())


def find(store: Store, batch_id: int) -> Handover | None:
    """Return the handover of a batch; None when workers have nothing to do with it."""
    found = _read(store, handovers.c.batch_id == batch_id)
    return found[0] if found else None


def _read(store: Store, condition: Any) -> tuple[Handover, ...]:
    asked = (
        controls.c.paused,
        controls.c.paused_by,
        controls.c.cancelled,
        controls.c.rate_per_minute,
        controls.c.concurrency,
        controls.c.priority,
    )
    wanted = select(handovers, *asked).join(controls, controls.c.batch_id == handovers.c.batch_id)
    with store.read("list the workers' batches") as connection:
        found = connection.execute(wanted.where(condition).order_by(handovers.c.batch_id)).all()
        summed = select(counts.c.batch_id, counts.c.state, func.sum(counts.c.n).label("rows"))
        ids = [one.batch_id for one in found]
        in_states = connection.execute(
            summed.where(counts.c.batch_id.in_(ids)).group_by(counts.c.batch_id, counts.c.state)
        ).all()
    states: dict[int, dict[RowState, int]] = {batch_id: {} for batch_id in ids}
    for one in in_states:
        states[one.batch_id][RowState(one.state)] = int(one.rows)
    return tuple(_made(one, states[one.batch_id]) for one in found)


def _made(one: Row[*tuple[Any, ...]], states: dict[RowState, int]) -> Handover:
    return Handover(
        batch_id=one.batch_id,
        client_key=one.client_key,
        profile=one.profile,
        given_us=one.given_us,
        done_us=one.done_us,
        stage=one.stage,
        stage_full_us=one.stage_full_us,
        baseline=msgspec.json.decode(one.baseline, type=Baseline) if one.baseline else None,
        overrides=msgspec.json.decode(one.overrides, type=dict[str, Any]),
        states=states,
        paused=bool(one.paused),
        paused_by=one.paused_by,
        cancelled=bool(one.cancelled),
        rate_per_minute=one.rate_per_minute,
        concurrency=one.concurrency,
        priority=one.priority,
    )


def note(store: Store, batch_id: int, changed: Mapping[str, int | Baseline | None]) -> None:
    """Record how far a batch has come: any of `stage`, `stage_full_us`, `baseline`, `done_us`."""
    values = {
        name: msgspec.json.encode(value).decode() if isinstance(value, Baseline) else value
        for name, value in changed.items()
    }
    with store.write("note how a batch stands", durable=False) as connection:
        connection.execute(update(handovers).where(handovers.c.batch_id == batch_id).values(**values))


@retried(even_if_kept=True)
def end(store: Store, batch_id: int) -> bool:
    """Record that a batch has ended; tell whether this call did it."""
    with store.write("end a batch of workers") as connection:
        here = update(handovers).where(handovers.c.batch_id == batch_id, handovers.c.done_us.is_(None))
        return bool(connection.execute(here.values(done_us=store.now_us())).rowcount)
