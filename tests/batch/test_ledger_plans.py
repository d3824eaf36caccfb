"""Questions asked while a batch runs are answered from an index, never by reading the rows: SQLite's plans.

PostgreSQL's depend on partitions and statistics: test_ledger_partitions asks for them.
"""

from __future__ import annotations

import pytest
from ledger_world import HandClock, filled, launch_all, opened
from sqlalchemy import event

from flowlaunch.batch.ledger import RowFilter
from flowlaunch.batch.states import RowState

QUESTIONS = {
    "take_chunk": (lambda ledger, batch_id: ledger.take_chunk(ledger.start_work(batch_id), 5), "rows_due"),
    "next_due": (lambda ledger, batch_id: ledger.next_due_us(batch_id), "rows_due"),
    "to_look_at": (lambda ledger, batch_id: ledger.to_look_at(batch_id, due_us=10**18), "rows_to_look_at"),
    "next_look": (lambda ledger, batch_id: ledger.next_look_us(batch_id), "rows_to_look_at"),
    "in_doubt": (
        lambda ledger, batch_id: list(ledger.rows(batch_id, RowFilter(states=(RowState.IN_DOUBT,)))),
        "rows_in_attention",
    ),
    "by_number": (lambda ledger, batch_id: list(ledger.rows(batch_id, RowFilter(numbers=(3,)))), "PRIMARY KEY"),
    "events": (lambda ledger, batch_id: ledger.events(batch_id, after=3), "events_of_batch"),
    "seen": (lambda ledger, _: ledger.history().seen("key-1"), "rows_by_key"),
    "attempts": (lambda ledger, _: ledger.history().attempts("+491", 0), "attempts_by_contact"),
    "in_flight": (lambda ledger, _: ledger.history(), "rows_in_chunk"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_answered_from_its_index(tmp_path, name):
    """The database's plan for the question names its index and sorts or scans no table of rows."""
    ask, index = QUESTIONS[name]
    asked = []
    with opened(tmp_path, HandClock()) as ledger:
        batch_id = filled(ledger, 300)
        launch_all(ledger, batch_id, HandClock(), size=100)
        event.listen(
            ledger._store.engine,
            "before_cursor_execute",
            lambda _c, _cursor, text, values, _context, many: many or asked.append((text, values)),
        )
        ask(ledger, batch_id)
        selects = [
            (text, values) for text, values in asked if text.startswith("SELECT") and "pragma" not in text.lower()
        ]
        with ledger._store.read("explain") as connection:
            plans = [
                [step[3] for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
                for text, values in selects
            ]
    steps = [step for plan in plans for step in plan]
    assert any(index in step for step in steps), steps
    assert not [step for step in steps if step.startswith(("SCAN rows", "SCAN attempts", "SCAN events", "USE TEMP"))], (
        steps
    )
