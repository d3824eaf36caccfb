"""Lists of launches: whole, in order, and as fast for many as for few."""

from __future__ import annotations

import base64
import random
import time

import msgspec
import pytest
from sqlalchemy import event

from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, open_ledger
from flowlaunch.batch.states import RowState
from flowlaunch.gateway.launches.reading import LaunchReader
from flowlaunch.gateway.store import launches, listing
from flowlaunch.gateway.store.listing import Cursor, LaunchFilter

KINDS = {"launch": "ready", "hold": "no-contact", "skip": "do-not-contact"}


def record(ledger, batch_id, count, *, seed=0, caller="k", idempotency_key=None, row_key=None):
    """Record launches, most of them pending, some held and skipped by a rule."""
    chance = random.Random(seed)  # noqa: S311 - the same rows for the same seed
    orders = []
    for _ in range(count):
        kind = chance.choices(list(KINDS), (20, 2, 1))[0]
        launch_id = launches.new_launch_id(ledger.store.now_us())

        def make(number, kind=kind, launch_id=launch_id):
            ready = Prepared(row_number=number, line=number, key=row_key or launch_id, input_data={})
            decision = Decision(kind=kind, reason=KINDS[kind])
            return RowPlan(row_number=number, line=number, decision=decision, prepared=ready)

        orders.append(
            launches.Order(
                launch_id=launch_id, batch_id=batch_id, make=make, caller=caller,
                idempotency_key=idempotency_key, fingerprint="", route="r",
            )
        )  # fmt: skip
    return [one.launch.id for one in launches.append(ledger.store, orders)]


@pytest.fixture(params=["sqlite", "postgresql"])
def either_ledger(request, tmp_path):
    """A ledger in a file, and one in PostgreSQL."""
    is_file = request.param == "sqlite"
    with open_ledger(tmp_path / "b.ledger" if is_file else request.getfixturevalue("postgres_ledger_url")) as opened:
        yield opened


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "a.ledger") as opened:
        yield opened


def batch(ledger, route):
    return ledger.create_batch(BatchSpec(source="gateway", name=f"gateway:{route}", flow_id=route))


def pages(ledger, where=None, *, route=None, limit=7):
    """Read every page and return the ids in the order in which they came."""
    reader, seen, cursor, read = LaunchReader(ledger), [], None, 0
    while True:
        views, cursor = reader.page(where or LaunchFilter(), route=route, cursor=cursor, limit=limit)
        assert len(views) <= limit
        seen += [one.launch.id for one in views]
        read += 1
        assert read < 500, "the pages never end"
        if cursor is None:
            return seen
        cursor = Cursor.read(cursor.text())


def same(found, wanted):
    """Tell whether a list is what was wanted; launches of one millisecond may come in any order."""
    instants = [one[:15] for one in found]
    return sorted(found) == sorted(wanted) and instants == sorted(instants, reverse=True)


@pytest.mark.parametrize("seed", range(4))
def test_pages_hold_every_launch_once_and_the_newest_first(ledger, seed, monkeypatch):
    """Whatever is asked for, the pages together are the launches that fit, newest first, each once."""
    monkeypatch.setattr(listing, "STRETCH", 11)
    chance = random.Random(seed)  # noqa: S311 - the same rows for the same seed
    batches = {route: batch(ledger, route) for route in "abc"}
    made = []
    for turn in range(12):
        route = chance.choice("abc")
        made += [(one, route) for one in record(ledger, batches[route], chance.randint(1, 9), seed=seed * 100 + turn)]
    newest = sorted((one for one, _route in made), reverse=True)
    states = {one.launch.id: one.row.state for one in LaunchReader(ledger).page(LaunchFilter(), limit=10_000)[0]}
    routes = dict(made)

    assert pages(ledger) == newest
    for route in "abc":
        assert same(pages(ledger, route=route), [one for one in newest if routes[one] == route])
    for wanted in ((RowState.HELD,), (RowState.HELD, RowState.SKIPPED), (RowState.PENDING,), (RowState.COMPLETED,)):
        fitting = [one for one in newest if states[one] in wanted]
        assert same(pages(ledger, LaunchFilter(states=wanted)), fitting)
        of_one = [one for one in fitting if routes[one] == "a"]
        assert same(pages(ledger, LaunchFilter(states=wanted), route="a"), of_one)
    assert pages(ledger, LaunchFilter(caller="nobody")) == []


def test_a_page_takes_no_longer_with_a_hundred_times_as_many_launches(ledger):
    """The newest page, and the page of a rare state, are read along an index: 20,000 launches are as fast as 200."""
    batch_id = batch(ledger, "r")
    asked = [LaunchFilter(), LaunchFilter(states=(RowState.HELD,)), LaunchFilter(states=(RowState.FAILED,))]

    def cost():
        reader = LaunchReader(ledger)
        reader.page(LaunchFilter(), limit=20)
        taken = []
        for _ in range(15):
            began = time.perf_counter()
            for where in asked:
                reader.page(where, limit=20)
            taken.append(time.perf_counter() - began)
        return min(taken)

    record(ledger, batch_id, 200)
    few = cost()
    for part in range(20):
        record(ledger, batch_id, 1000, seed=part)
    assert any(cost() < 5 * few for _ in range(5))  # a slow machine is slow once, a wrong plan always


def spelled(parts):
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(parts)).rstrip(b"=").decode()


MADE_UP = ([None, {1: 2**63}], [None, {1: -1}], ["x" * 4000, {}], ["\0", {}], ["ln_\0", {}], [None, {"a": 1}], [1, {}])


def found(ledger, text, where=None, **how):
    return [one.launch.id for one in LaunchReader(ledger).search(text, where or LaunchFilter(), **how)]


def test_a_launch_is_found_by_whatever_names_it(either_ledger):
    """Its id, its idempotency key also where a mapping gives the row another key, and the row's key find a launch."""
    batch_id = batch(either_ledger, "r")
    record(either_ledger, batch_id, 5)
    [wanted] = record(either_ledger, batch_id, 1, caller="crm", idempotency_key="order-7", row_key="reference 7")
    [other] = record(either_ledger, batch_id, 1, caller="shop", idempotency_key="order-7", row_key="reference 8")
    assert found(either_ledger, wanted) == found(either_ledger, "reference 7") == [wanted]
    assert sorted(found(either_ledger, "order-7")) == sorted([other, wanted])
    assert found(either_ledger, "order-") == []


def test_a_search_keeps_to_the_other_conditions(either_ledger):
    """Among many launches of one name those of the caller, state, route and time asked for are found, and no others."""
    batches = {route: batch(either_ledger, route) for route in "ab"}
    [mine] = record(either_ledger, batches["a"], 1, caller="me", idempotency_key="k-1", row_key="k-1")
    theirs = [
        *(record(either_ledger, batches["b"], 1, caller=f"app {n}", idempotency_key="k-1")[0] for n in range(8)),
        *record(either_ledger, batches["b"], 8, caller="they", row_key="k-1"),
    ]
    assert found(either_ledger, "k-1", LaunchFilter(caller="me"), limit=2) == [mine]
    assert found(either_ledger, "k-1", route="a", limit=2) == [mine]
    assert found(either_ledger, "k-1", route="nowhere") == []
    assert sorted(found(either_ledger, "k-1", route="b")) == sorted(theirs)
    assert found(either_ledger, "k-1", limit=3) == sorted(theirs, reverse=True)[:3]
    assert found(either_ledger, "k-1", LaunchFilter(states=(RowState.COMPLETED,))) == []
    now_us = either_ledger.store.now_us()
    assert found(either_ledger, "k-1", LaunchFilter(created_from_us=now_us + 60_000_000)) == []
    assert mine in found(either_ledger, "k-1", LaunchFilter(created_until_us=now_us + 60_000_000))


def test_a_search_reads_along_indexes(ledger):
    """No table is read from end to end for a search, whoever asks and whatever for."""
    record(ledger, batch(ledger, "r"), 20, idempotency_key=None)
    plans = []

    def explain(connection, _cursor, statement, values, _context, _many):
        if "gateway_launches" in statement and not statement.startswith("EXPLAIN"):
            plans.extend(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())

    event.listen(ledger.store.engine, "before_cursor_execute", explain)
    found(ledger, "k-1")
    found(ledger, "k-1", LaunchFilter(caller="me", states=(RowState.HELD,), created_from_us=5))
    event.remove(ledger.store.engine, "before_cursor_execute", explain)
    scans = [step[-1] for step in plans if "SCAN" in step[-1] and "each" not in step[-1]]
    assert plans
    assert scans == []


@pytest.mark.parametrize("text", ["", "x", "Cg", "////", "é", "gA==" * 50, "k6A", *map(spelled, MADE_UP)])
def test_a_cursor_made_up_is_none(text):
    """A cursor that was not given by a page is told from one that was."""
    assert Cursor.read(text) is None
    given = Cursor("ln_1", {3: 9})
    assert Cursor.read(given.text()) == given
    assert msgspec.structs.asdict(given) == {"before_id": "ln_1", "before_rows": {3: 9}}
