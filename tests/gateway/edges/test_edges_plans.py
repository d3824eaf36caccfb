"""Lists and looks of the gateway's edges are answered from an index, however long its tables are."""

from __future__ import annotations

import pytest
from edges_world import Door
from sqlalchemy import event, insert, text

from flowlaunch.batch.ledger.schema_edges import (
    audit as audit_lines,
    deliveries as delivery_lines,
    messages as message_lines,
)
from flowlaunch.gateway.store import audit, deliveries, messages

LINES = 300
QUESTIONS = {
    "messages of a hook": (lambda store: messages.read(store, hook="shop"), "gateway_messages_of_hook"),
    "refused messages": (lambda store: messages.read(store, refused_only=True), "gateway_messages_refused"),
    "refused messages of a hook": (
        lambda store: messages.read(store, hook="shop", refused_only=True), "gateway_messages_refused_of_hook",
    ),
    "audit by deed": (lambda store: audit.read(store, what="key.create"), "gateway_audit_by_what"),
    "audit by key": (lambda store: audit.read(store, key_id="k"), "gateway_audit_by_key"),
    "due callbacks": (lambda store: deliveries.due(store, limit=32), "gateway_deliveries_due_at_origin"),
    "due callbacks beside a busy origin": (
        lambda store: deliveries.due(store, but_origins=["https://a.example"], limit=32),
        "gateway_deliveries_due_at_origin",
    ),
    "next due callback": (deliveries.next_due_us, "gateway_deliveries_due"),
    "leases of the dead": (lambda store: deliveries.free_leases(store, lambda _: True), "gateway_deliveries_leased"),
}  # fmt: skip
READS_ALL = ("SCAN gateway_", "Seq Scan on gateway_")


@pytest.fixture(params=["sqlite", "postgresql"])
def door(request, tmp_path, clock):
    """A ledger with messages, lines of the audit log and callbacks in it."""
    place = request.getfixturevalue("postgres_ledger_url") if request.param == "postgresql" else None
    world = Door(tmp_path, clock, place)
    launches = [world.launch() for _ in range(3)]
    with world.store.write("fill") as connection:
        connection.execute(insert(message_lines), [_message(n, clock) for n in range(LINES)])
        connection.execute(insert(audit_lines), [_line(n, clock) for n in range(LINES)])
        connection.execute(insert(delivery_lines), [_delivery(n, launches[n % 3], clock) for n in range(LINES)])
    yield world
    world.close()


def _message(number, clock):
    problem = "unfit" if number % 100 == 0 else ""
    return {
        "hook": f"hook-{number % 3}", "message_id": f"m{number}", "body_sha256": "0" * 64, "times": 1,
        "received_us": clock.now_us, "problem": problem,
    }  # fmt: skip


def _line(number, clock):
    return {
        "at_us": clock.now_us, "key_id": f"k{number % 20}", "name": "n", "what": "launch.cancel",
        "target": f"t{number}", "facts": "{}",
    }  # fmt: skip


def _delivery(number, launch, clock):
    return {
        "id": f"d{number}", "row_id": launch.row_id, "state": "waiting", "event": "launch.completed", "attempt": 1,
        "ended_us": clock.now_us, "origin": f"https://{'aaaaaaaaab'[number % 10]}.example", "created_us": clock.now_us,
        "tries": 0, "tries_before": 0, "due_us": clock.now_us - 1000 + number, "problem": "",
    }  # fmt: skip


def plan_of(store, ask):
    """Return the steps of the database's plans for every statement that `ask` makes about the gateway's tables."""
    asked = []

    def note(_connection, _cursor, statement, values, _context, _many):
        asked.append((statement, values))

    event.listen(store.engine, "before_cursor_execute", note)
    ask(store)
    event.remove(store.engine, "before_cursor_execute", note)
    asked = [one for one in asked if "gateway_" in one[0]]
    explain = "EXPLAIN QUERY PLAN " if store.path is not None else "EXPLAIN "
    with store.read("explain") as connection:
        if store.path is None:  # so short a table is read whole unless that is made to look dear
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        return [str(step[-1]) for one, values in asked for step in connection.exec_driver_sql(explain + one, values)]


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_edge_is_looked_at_through_an_index(door, name):
    """The database's plan for the question names its index and reads no table from end to end."""
    ask, index = QUESTIONS[name]
    steps = plan_of(door.store, ask)
    named = [word for step in steps for word in step.split()]
    assert index in named, steps
    assert not [step for step in steps if any(bad in step for bad in READS_ALL) and index not in step], steps
    if not name.startswith("due"):  # whose origins are few, and sorted
        assert not [step for step in steps if "TEMP B-TREE" in step or "Sort" in step], steps


def test_due_callbacks_are_those_longest_due_of_each_origin(door, clock):
    """Of each receiver the longest due are found, so many at most; a busy one's are passed over, leased ones too."""
    first = deliveries.due(door.store, limit=32, per_origin=2)
    assert [one.seq for one in first] == [1, 2, 10, 20]
    assert deliveries.lease(door.store, [1, 10], "someone", lasts_us=60_000_000) == ()  # there is no wish of theirs
    assert [one.seq for one in deliveries.due(door.store, limit=32, per_origin=2)] == [2, 3, 20, 30]
    beside = deliveries.due(door.store, but_origins=["https://a.example"], limit=3)
    assert [(one.seq, one.origin) for one in beside] == [(seq, "https://b.example") for seq in (20, 30, 40)]
    assert deliveries.due(door.store, but_origins=["https://a.example", "https://b.example"], limit=3) == ()
    assert deliveries.free_leases(door.store, lambda holder: holder == "someone") == 2
    assert [one.seq for one in deliveries.due(door.store, limit=3)] == [1, 2, 3]
