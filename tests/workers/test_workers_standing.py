"""What the list of workers says: of those that are at work, and of those that fell silent."""

import asyncio

import pytest
from worker_world import key_of, row_plan

from flowlaunch import AsyncClient
from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.batch.ledger import BatchSpec, crew, handovers, open_ledger
from flowlaunch.batch.workers.hands import Hands
from flowlaunch.batch.workers.standing import workers_standing
from flowlaunch.cli.worker_talk import drained_text, records, troubles
from flowlaunch.sandbox import Sandbox

MINUTE_US = 60_000_000


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "rows.ledger") as made:
        yield made


def join(ledger, process_id, *, silent_s=0, batches=()):
    """Put a worker on the list that was heard of so long ago, with so many rows of batches in hand."""
    hands = tuple(crew.HandStanding(batch_id=one, job="launch", in_hand=12, per_minute=290.0) for one in batches)
    heard_us = ledger.store.now_us() - round(silent_s * 1e6)
    process = crew.Process(
        process_id=process_id, host="mill", pid=1, started_us=heard_us, heartbeat_us=heard_us, hands=hands, launched=3
    )
    crew.join(ledger.store, process)
    with ledger.store.write("age") as connection:
        connection.execute(
            crew.update(crew.processes).where(crew.processes.c.id == process_id).values(heartbeat_us=heard_us)
        )


def test_a_silent_worker_does_nothing_any_more_and_its_batches_are_others(ledger):
    """One held for dead has no rows in hand and no speed; the list says when it was last heard of and who goes on."""
    join(ledger, "dead0000", silent_s=150, batches=(4, 5))
    join(ledger, "busy0000", batches=(4,))
    standing = workers_standing(ledger)
    found = {one["worker"]: one for one in records(standing)}
    assert found["busy0000"]["in_hand"] == 12
    assert found["dead0000"]["state"] == "silent"
    assert (found["dead0000"]["batches"], found["dead0000"]["in_hand"], found["dead0000"]["per_minute"]) == ("", 0, 0)
    assert found["dead0000"]["seen"] == "2 min ago"
    (said,) = troubles(standing)
    assert said.startswith("worker dead0000: last heard of ")
    assert said.endswith(" UTC; others take over what it had in hand of batches 4, 5")


def test_of_a_silent_worker_that_had_nothing_in_hand_only_the_time_is_told(ledger):
    """Nothing is to be taken over from a worker that was idle."""
    join(ledger, "dead0000", silent_s=7_300)
    (said,) = troubles(workers_standing(ledger))
    assert said.endswith(" UTC; it had nothing in hand")
    assert records(workers_standing(ledger))[0]["seen"] == "2 h ago"


def test_who_asks_workers_to_leave_is_told_which_of_them_cannot_hear_it():
    """Only live workers leave within seconds; a silent one is no reason to wait."""
    assert drained_text(2, 0) == "2 workers were asked to leave; they notice within two seconds"
    asked = "1 worker was asked to leave; it notices within two seconds"
    assert drained_text(1, 1) == f"{asked}; 1 that fell silent will leave if ever heard of again"
    assert drained_text(0, 0) == "there is no worker"


async def test_what_a_worker_launched_is_counted_while_its_chunk_is_under_way(ledger):
    """The list counts a launch within a second or so, not when a chunk of many seconds has ended; each once."""
    with Sandbox(rate_per_minute=None) as sandbox:
        key = key_of(sandbox.url, "demo")
        spec = BatchSpec(
            source="rows", flow_id="f0000000-0000-4000-8000-000000000001", flow_version="1.0",
            settings={"pace_per_minute": 600.0, "ramp": [], "concurrency": 4, "track": False},
        )  # fmt: skip
        batch_id = ledger.create_batch(spec)
        ledger.add_rows(batch_id, (row_plan(number) for number in range(1, 31)))
        ledger.finish_loading(batch_id)
        handovers.give(ledger.store, batch_id, client_key=key, profile="")
        seen = []
        async with AsyncClient(
            sandbox.url, client_id="demo", client_secret="demo-secret", pace_per_minute=None
        ) as client:
            hands = Hands(
                ledger, None, {key: client}, SystemAsyncClock(), on_event=lambda *_told: seen.append(hands.launched)
            )
            async with asyncio.timeout(60):
                await hands.launch(batch_id, "a chunk", key, rows=30)
        assert any(0 < launched < 30 for launched in seen), seen
        assert seen == sorted(seen)
        assert hands.launched == 30
