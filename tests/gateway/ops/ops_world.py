"""Launches in a ledger, brought to their end, old or new, without a gateway being served."""

from ledger_world import launch_all, plan, spec

from flowlaunch.batch.ledger import Result
from flowlaunch.batch.states import Event
from flowlaunch.gateway.store import deliveries, launches
from flowlaunch.gateway.store.launches import Order, new_launch_id

DAY_S = 86_400


def route_batch(ledger, name="orders"):
    """Make the batch of a route."""
    batch_id = ledger.create_batch(spec(source="gateway", name=f"gateway:{name}"))
    ledger.finish_loading(batch_id)
    return batch_id


def accept(ledger, batch_id, count=1, *, key=None, callback=None, kind="launch"):
    """Record launches as the gateway does; return their ids."""
    now_us = ledger.store.now_us()
    orders = [
        Order(
            launch_id=new_launch_id(now_us), batch_id=batch_id, caller="app", idempotency_key=key, fingerprint="f",
            route="orders", callback_url=callback, make=lambda number: plan(number, kind=kind),
        )
        for _ in range(count)
    ]  # fmt: skip
    return [one.launch.id for one in launches.append(ledger.store, orders)]


def finish(ledger, batch_id, clock, event=Event.COMPLETED):
    """Launch what is due and bring every execution to its end."""
    launch_all(ledger, batch_id, clock)
    looked = ledger.to_look_at(batch_id, due_us=clock.now_us, limit=10_000)
    ledger.record_results(
        batch_id,
        [
            Result(row_id=one.row_id, execution_id=one.execution_id, event=event, status="x", ended_us=clock.now_us)
            for one in looked
        ],
    )


def deliver(ledger, row_ids=None):
    """Make the deliveries of what has ended, and settle them as delivered; return how many."""
    deliveries.begin(ledger.store, lambda url: url, row_ids)
    due = [one.seq for one in deliveries.due(ledger.store, limit=1_000)]
    leased = deliveries.lease(ledger.store, due, "me", lasts_us=1_000_000)
    for one in leased:
        attempt = deliveries.Attempt(number=1, at_us=ledger.store.now_us(), took_us=1, http_status=200)
        deliveries.settle(ledger.store, "me", deliveries.Settled(seq=one.seq, state="delivered", attempt=attempt))
    return len(leased)


def left(ledger):
    """Count what each table holds."""
    from sqlalchemy import func, select

    from flowlaunch.batch.ledger.schema import metadata

    with ledger.store.read("count everything") as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }
