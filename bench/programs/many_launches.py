"""Fill a gateway's ledger: path, launches. A thousand are made as the gateway makes them, the others are their copies.

Prints how many there are and the ledger's size.
"""

import json
import sys
import time
from pathlib import Path

from sqlalchemy import Integer, String, func, insert, select, update

from flowlaunch._core.steps import Moment
from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, Result, open_ledger, row_id_of
from flowlaunch.batch.ledger.schema import attempts, batches, counts, results, rows
from flowlaunch.batch.ledger.schema_gateway import launches as launch_rows
from flowlaunch.batch.states import Event
from flowlaunch.gateway.store import launches
from flowlaunch.gateway.store.launches import Order, new_launch_id

PATH, WANTED = Path(sys.argv[1]), int(sys.argv[2])
BASE, STEP_MS = 1_000, 1_000 * 60
FLOW = "f0000000-0000-4000-8000-000000000001"
FAILED, REFUSED, LOST = 20, 10, 2


class Then:
    """A clock that stands so long ago that the newest copy is from just now."""

    def now(self):
        return Moment(0.0, time.time() - WANTED / BASE * STEP_MS / 1000)


def seeded(ledger):
    """Make the first launches through the ledger's own door: most completed, some failed, refused or in doubt."""
    batch_id = ledger.create_batch(
        BatchSpec(
            source="gateway", name=f"gateway:flow:{FLOW}", flow_id=FLOW, flow_version="", flow_name="Order follow-up"
        )
    )
    ledger.finish_loading(batch_id)
    now_us = ledger.store.now_us()

    def make(number):
        given = {"Flow.customerName": f"Customer {number}", "Flow.orderId": f"{number:08d}"}
        prepared = Prepared(row_number=number, line=number, key=f"k-{number}", input_data=given, name=f"run {number}",
                            token=f"t-{number}")  # fmt: skip
        return RowPlan(
            row_number=number, line=number, decision=Decision(kind="launch", reason="ready"), prepared=prepared
        )

    launches.append(
        ledger.store,
        [
            Order(
                launch_id=new_launch_id(now_us), batch_id=batch_id, make=make, caller="crm", idempotency_key=f"k-{one}",
                fingerprint="f" * 64, route=f"flow:{FLOW}",
            )
            for one in range(1, BASE + 1)
        ],
    )  # fmt: skip
    worker = ledger.start_work(batch_id)
    chunk = ledger.take_chunk(worker, BASE)
    ledger.commit(worker, intents=chunk.rows)
    ledger.commit(worker, results=[outcome(place, row) for place, row in enumerate(chunk.rows)])
    ledger.stop_work(worker)
    looked = ledger.to_look_at(batch_id, due_us=now_us + 1, limit=BASE)
    ledger.record_results(batch_id, [result(place, one, now_us) for place, one in enumerate(looked)])
    return batch_id


def outcome(place, row):
    """Tell what came of one launch."""
    if place < REFUSED:
        return row.outcome(
            Event.REFUSED, reason="bad-request", message="refused", error_code="bad.request", http_status=400
        )
    if place < REFUSED + LOST:
        return row.outcome(Event.LOST, reason="reply-lost", message="no answer")
    return row.outcome(Event.ACCEPTED, execution_id=f"e-{row.row_id}", look_at_us=0, http_status=200)


def result(place, one, now_us):
    """Tell how one execution ended."""
    event = Event.FAILED if place < FAILED else Event.COMPLETED
    return Result(row_id=one.row_id, execution_id=one.execution_id, event=event, status=event.value, started_us=now_us,
                  ended_us=now_us, outputs=b'{"Flow.message":"Hello"}')  # fmt: skip


def copied(ledger, batch_id):
    """Copy all that there is, again and again, until there are as many as wanted; keep every sum true."""
    with ledger.store.write("copy launches", durable=False) as connection:
        begun_ms = int(connection.execute(select(func.min(launch_rows.c.id))).scalar_one()[3:15], 16)
        indexes = connection.exec_driver_sql(INDEXES).all()
        for name, _sql in indexes:
            connection.exec_driver_sql(f"DROP INDEX {name}")
        total = BASE
        while total < WANTED:
            more = min(total, WANTED - total)
            for table in (rows, launch_rows, attempts, results):
                own = table.c.id if table is rows else table.c.row_id
                copy = select(*(changed(column, total, begun_ms) for column in table.columns))
                copy = copy.where(own <= row_id_of(batch_id, more))
                connection.execute(insert(table).from_select(list(table.columns), copy))
            total += more
        for _name, sql in indexes:  # made anew in one go, they take a fifth of the time
            connection.exec_driver_sql(sql)
        connection.execute(update(counts).values(n=counts.c.n * (WANTED // BASE)))
        connection.execute(update(batches).where(batches.c.id == batch_id).values(last_number=WANTED))


INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
NUMBERED = {
    ("rows", "id"), ("rows", "number"), ("rows", "line"),
    ("gateway_launches", "row_id"), ("attempts", "row_id"), ("results", "row_id"),
}  # fmt: skip
SUFFIXED = frozenset({"execution_id", "key", "idempotency_key", "token"})
KEPT = frozenset({"not_before_us", "not_after_us", "closes_us", "look_at_us"})


def changed(column, total, begun_ms):
    """Return the value of a column in a copy of the first launches, made when there are `total`."""
    name, table = column.name, column.table.name
    later_ms = total // BASE * STEP_MS
    if (table, name) in NUMBERED:
        return column + total
    if (table, name) == ("gateway_launches", "id"):
        at_s = (launch_rows.c.created_us / 1_000_000).cast(Integer) + later_ms // 1000
        return func.printf("ln_%012x", at_s * 1000 + begun_ms % 1000, type_=String) + func.substr(column, 16)
    if name in SUFFIXED:
        return column + f"-{total // BASE}"
    return column + later_ms * 1000 if name.endswith("_us") and name not in KEPT else column


with open_ledger(PATH, clock=Then()) as ledger:
    copied(ledger, seeded(ledger))
    with ledger.store.read("count") as connection:
        found = connection.execute(select(func.count()).select_from(launch_rows)).scalar_one()
print(json.dumps({"launches": found, "mb": PATH.stat().st_size / 1e6}))
