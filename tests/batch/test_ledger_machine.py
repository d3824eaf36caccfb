"""Any order of events and crashes, against a model that knows nothing of databases."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from ledger_world import HandClock, filled, kept, opened, plan, truth

from flowlaunch.batch.ledger import Evidence, Result, RowFilter
from flowlaunch.batch.states import Event, RowState
from flowlaunch.errors import LedgerFencedError

ROWS = 12
OUTCOMES = st.sampled_from([Event.ACCEPTED, Event.REFUSED, Event.NOT_SENT, Event.LOST])
SUBSET = st.sets(st.integers(1, ROWS), max_size=ROWS)
TEMPLATE = {}
LIVES = {"sqlite": (40, 40), "postgresql": (40, 40) if os.environ.get("FLOWLAUNCH_CHAOS") else (5, 30)}
"""How many random lives of how many steps; a step on PostgreSQL takes several times as long."""


class Folders:
    """Copies of a ledger in a file, each in a folder of its own."""

    def __init__(self, home):
        self._home = home

    def copy(self):
        folder = Path(tempfile.mkdtemp(prefix="flowlaunch-machine-"))
        shutil.copy(self._home / "a.db", folder / "a.db")
        return folder

    def drop(self, home):
        shutil.rmtree(home, ignore_errors=True)


class Databases:
    """Copies of a ledger in a server's database."""

    def __init__(self, home, server):
        self._server, self._name = server, home.rpartition("/")[2]
        self.drop = server.drop

    def copy(self):
        return self._server.database(template=self._name)


@pytest.fixture
def template(request, database, home):
    """Make one ledger of a few rows that every example starts from as a copy."""
    plans = [
        plan(n, kind="hold" if n == 3 else "launch", reason="no-contact" if n == 3 else "ready")
        for n in range(1, ROWS + 1)
    ]
    with opened(home, HandClock()) as ledger:
        TEMPLATE["batch_id"] = filled(ledger, plans=plans)
    is_file = database == "sqlite"
    TEMPLATE["homes"] = Folders(home) if is_file else Databases(home, request.getfixturevalue("postgres_server"))


class LedgerMachine(RuleBasedStateMachine):
    """Workers come, launch, crash and come back late; people settle, retry, release and cancel."""

    def __init__(self):
        super().__init__()
        self.home = TEMPLATE["homes"].copy()
        self.clock = HandClock()
        self.ledger = opened(self.home, self.clock)
        self.batch_id = TEMPLATE["batch_id"]
        self.state = {n: "held" if n == 3 else "pending" for n in range(1, ROWS + 1)}
        self.intents = dict.fromkeys(self.state, 0)
        self.executions = {}
        self.decided = set()  # rows in doubt that someone decided about
        self.was_doubtful = set()
        self.serial = 0
        self.worker, self.taken, self.flying, self.ghosts = None, {}, {}, []

    # a worker ------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.worker is None)
    @rule()
    def start(self):
        self.worker = self.ledger.start_work(self.batch_id)
        for number in [n for n, state in self.state.items() if state == "launching"]:
            self._doubt(number)

    @precondition(lambda self: self.worker is not None)
    @rule(size=st.integers(1, 6))
    def take(self, size):
        chunk = self.ledger.take_chunk(self.worker, size)
        for row in chunk.rows if chunk else ():
            assert self.state[row.number] == "pending"
            assert row.number not in self.taken
            assert row.attempts == self.intents[row.number]
            self.taken[row.number] = row

    @precondition(lambda self: self.worker is not None and (self.taken or self.flying))
    @rule(send=SUBSET, told=st.dictionaries(st.integers(1, ROWS), OUTCOMES))
    def commit(self, send, told):
        intents = [row for n, row in self.taken.items() if n in send]
        outcomes = [self._outcome(row, told[n]) for n, row in self.flying.items() if n in told]
        self.ledger.commit(self.worker, intents=intents, results=outcomes)
        for outcome in outcomes:
            del self.flying[outcome.row.number]
            self._conclude(outcome)
        for row in intents:
            self.flying[row.number] = self.taken.pop(row.number)
            self.state[row.number] = "launching"
            self.intents[row.number] += 1

    def _outcome(self, row, event):
        self.serial += 1
        execution = {"execution_id": f"e{self.serial}", "look_at_us": 1} if event is Event.ACCEPTED else {}
        return row.outcome(event, reason="" if execution else event.value, **execution)

    def _conclude(self, outcome):
        number = outcome.row.number
        if outcome.event is Event.LOST:
            self._doubt(number)
            return
        after = {Event.ACCEPTED: "launched", Event.REFUSED: "refused", Event.NOT_SENT: "pending"}
        self.state[number] = after[outcome.event]
        if outcome.event is Event.ACCEPTED:
            self.executions[number] = outcome.execution_id

    def _doubt(self, number):
        self.state[number] = "in_doubt"
        self.was_doubtful.add(number)
        self.decided.discard(number)

    @precondition(lambda self: self.taken)
    @rule(which=SUBSET)
    def give_back(self, which):
        self.ledger.give_back(self.worker, [self.taken.pop(n) for n in sorted(which & set(self.taken))])

    @precondition(lambda self: self.worker is not None)
    @rule()
    def stop(self):
        assert self.ledger.stop_work(self.worker) == len(self.flying)
        for number in self.flying:
            self._doubt(number)
        self.worker, self.taken, self.flying = None, {}, {}

    @precondition(lambda self: self.worker is not None)
    @rule()
    def crash(self):
        self.ghosts.append((self.worker, list(self.taken.values()), list(self.flying.values())))
        self.worker, self.taken, self.flying = None, {}, {}
        self.ledger.close()
        self.clock.advance(31)
        self.ledger = opened(self.home, self.clock)

    @precondition(lambda self: self.ghosts and self.worker is not None)
    @rule()
    def a_dead_worker_writes_late(self):
        ghost, taken, flying = self.ghosts.pop()
        for worker in (ghost, self.worker):
            if taken:
                with pytest.raises(LedgerFencedError):
                    self.ledger.commit(worker, intents=taken)
            if flying:
                with pytest.raises(LedgerFencedError):
                    self.ledger.commit(worker, results=[self._outcome(row, Event.ACCEPTED) for row in flying])

    # people and the tracker ----------------------------------------------------------------------------------

    @rule(which=SUBSET, launched=st.booleans())
    def settle(self, which, launched):
        doubtful = [n for n in sorted(which) if self.state[n] == "in_doubt"]
        ids = [(self.batch_id << 32) | n for n in sorted(which)]
        verdict = "launched" if launched else "absent"
        assert self.ledger.settle(self.batch_id, ids, verdict, Evidence(by="test")) == len(doubtful)
        for number in doubtful:
            self.state[number] = "launched" if launched else "pending"
            self.executions.pop(number, None)
            self.decided.add(number)

    @rule(which=SUBSET)
    def retry(self, which):
        self._people(self.ledger.retry, which, {"failed", "refused"}, "pending")

    @rule(which=SUBSET)
    def release(self, which):
        self._people(self.ledger.release, which, {"held"}, "pending")

    @rule(which=SUBSET)
    def cancel(self, which):
        free = {n for n in which if n not in self.taken and n not in self._ghostly()}
        self._people(self.ledger.cancel_rows, free, {"pending", "held"}, "cancelled")

    def _ghostly(self):
        """Rows that crashed workers hold until the next one starts."""
        return {row.number for _, taken, _ in self.ghosts for row in taken} if self.worker is None else set()

    def _people(self, act, which, froms, after):
        if not which:
            return
        moved = [n for n in which if self.state[n] in froms]
        assert act(self.batch_id, RowFilter(numbers=tuple(which)), by="test") == len(moved)
        for number in moved:
            self.state[number] = after

    @rule(which=SUBSET, ended=st.sampled_from([Event.COMPLETED, Event.FAILED]))
    def results(self, which, ended):
        known = {one.number: one for one in self.ledger.to_look_at(self.batch_id, due_us=10**18) if one.number in which}
        found = [Result(row_id=one.row_id, execution_id=one.execution_id, event=ended) for one in known.values()]
        assert self.ledger.record_results(self.batch_id, found) == len(found)
        for number, one in known.items():
            assert self.executions[number] == one.execution_id
            self.state[number] = ended.value

    # what always holds ---------------------------------------------------------------------------------------

    @invariant()
    def the_ledger_says_what_the_model_says(self):
        rows = {one.number: one for one in self.ledger.rows(self.batch_id)}
        assert {n: row.state.value for n, row in rows.items()} == self.state
        assert {n: row.attempts for n, row in rows.items()} == self.intents
        assert {n for n, row in rows.items() if row.state is RowState.PENDING} & self.was_doubtful <= self.decided

    @invariant()
    def the_sums_are_equal(self):
        counted = kept(self.ledger, self.batch_id)
        assert counted == truth(self.ledger, self.batch_id)
        assert sum(counted.values()) == ROWS

    @invariant()
    def every_attempt_is_written_down_once(self):
        with self.ledger.store.read("look at the attempts") as connection:
            ask = connection.exec_driver_sql
            tries = ask("SELECT row_id & 4294967295, count(*), max(number) FROM attempts GROUP BY 1").all()
            twice = ask(
                "SELECT execution_id FROM attempts WHERE execution_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
            ).all()
        assert not twice
        ended = {n: tried - (self.state[n] == "launching") for n, tried in self.intents.items()}
        assert {n: count for n, count, _ in tries} == {n: count for n, count in ended.items() if count}
        assert all(count == highest for _, count, highest in tries)

    def teardown(self):
        self.ledger.close()
        TEMPLATE["homes"].drop(self.home)


def test_any_order_of_events_and_crashes_keeps_the_ledger_true(template, database):
    """In many random lives the ledger says what a plain model says, and no rule of it is broken."""
    lives, steps = LIVES[database]
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=lives, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
