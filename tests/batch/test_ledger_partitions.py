"""PostgreSQL's plans: a question about a batch looks into its partition alone, by an index, before and after a load."""

from __future__ import annotations

import pytest
from ledger_world import HandClock, filled, opened, plan
from sqlalchemy import event

from flowlaunch.batch.ledger import RowFilter
from flowlaunch.batch.states import Event, RowState

ROWS = 3_000


@pytest.fixture
def ledger(postgres_ledger_url):
    with opened(postgres_ledger_url, HandClock()) as one:
        yield one


def work(ledger, batch_id, clock):
    """One turn of everything that is done while a batch runs."""
    worker = ledger.start_work(batch_id, shared=True)
    rows = ledger.take_chunk(worker, 5).rows
    ledger.commit(worker, intents=rows[:4])
    ledger.commit(
        worker, results=[row.outcome(Event.ACCEPTED, execution_id=f"e{row.row_id}", look_at_us=1) for row in rows[:4]]
    )
    ledger.give_back(worker, rows[4:])
    ledger.look_later([(rows[0].row_id, 2)])
    ledger.to_look_at(batch_id, due_us=10**18)
    ledger.next_look_us(batch_id)
    ledger.next_due_us(batch_id)
    list(ledger.rows(batch_id, RowFilter(states=(RowState.IN_DOUBT,))))
    ledger.stop_work(worker)


@pytest.mark.parametrize("is_loaded", [True, False], ids=["loaded", "open-ended"])
def test_work_on_a_batch_reads_its_partition_by_an_index(ledger, is_loaded):
    """No statement of a running batch reads another batch's partition, or all rows of its own."""
    others = [filled(ledger, 20) for _ in range(3)]
    batch_id = filled(ledger, ROWS) if is_loaded else filled(ledger, 0)
    if not is_loaded:
        ledger.add_rows(batch_id, (plan(number) for number in range(1, ROWS + 1)))
    asked = {}

    def heard(_connection, _cursor, statement, values, _context, many):
        if "rows" in statement and statement.startswith(("SELECT", "UPDATE")) and not many:
            asked[statement] = values

    event.listen(ledger.store.engine, "before_cursor_execute", heard)
    work(ledger, batch_id, HandClock())
    event.remove(ledger.store.engine, "before_cursor_execute", heard)

    with ledger.store.read("explain") as connection:
        plans = {
            statement: "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values))
            for statement, values in asked.items()
        }
    assert len(plans) >= 8
    for statement, told in plans.items():
        assert "Seq Scan" not in told, f"{statement}\n{told}"
        if "jsonb" in statement:
            assert "Nested Loop" in told, told  # each row by its id: the server looks into its partition when it runs
            continue
        assert not [other for other in others if f" on rows_{other} " in told], f"{statement}\n{told}"
