"""Callbacks out: signed, durable, retried over a day, given up, replayed."""

from __future__ import annotations

import asyncio
import os
import platform
import sys

import msgspec
import pytest
from edges_world import MASTER, MASTERS, Door, Receiver, answer
from standardwebhooks import Webhook

from flowlaunch.batch.states import Event
from flowlaunch.errors import LedgerError
from flowlaunch.gateway.callbacks.masters import Masters
from flowlaunch.gateway.callbacks.schedule import DELAYS_S
from flowlaunch.gateway.store import audit, deliveries, delivery_views


def states(door):
    return {one.launch_id: one.state for one in delivery_views.read(door.store)}


async def test_an_end_is_told_once_and_says_what_came_of_the_launch(door):
    """When a launch ends its callback gets one message with its id, its state and its outputs."""
    async with Receiver() as receiver:
        launch = door.end(door.launch(f"{receiver.origin}/ended?t=1", idempotency_key="order-7"))
        outbox = door.callbacks(receiver.origin)
        assert await outbox.drain() == 1
        assert await outbox.drain() == 0
    [(first, headers, body)] = receiver.requests
    told = msgspec.json.decode(body)
    assert first == "POST /ended?t=1 HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert headers["host"] == receiver.origin.partition("://")[2]
    assert told["type"] == "launch.completed"
    assert told["timestamp"] == told["data"]["ended_at"] == "2027-01-15T08:00:00Z"
    assert told["data"]["launch_id"] == launch.id
    assert told["data"]["idempotency_key"] == "order-7"
    assert told["data"]["route"] == "crm"
    assert told["data"]["outputs"] == {"Flow.done": True}
    assert told["data"]["error"] is None
    [kept] = delivery_views.read(door.store)
    assert (kept.state, kept.tries, kept.http_status, kept.problem) == ("delivered", 1, 204, "")
    assert kept.id == headers["webhook-id"]


async def test_a_failed_launch_names_its_error(door):
    """The callback of a failed launch carries code and message of what went wrong."""
    async with Receiver() as receiver:
        door.end(door.launch(receiver.origin), Event.FAILED, outputs=None, message="no such order")
        await door.callbacks(receiver.origin).drain()
    told = msgspec.json.decode(receiver.requests[0][2])
    assert told["type"] == "launch.failed"
    assert told["data"]["error"] == {"code": "broken", "message": "no such order"}
    assert told["data"]["outputs"] is None


async def test_a_launch_whose_end_cannot_be_learnt_is_told_as_such(door):
    """When Genesys Cloud knows an execution no more, the app is told so instead of waiting for ever."""
    async with Receiver() as receiver:
        door.end(door.launch(receiver.origin), None, reason="gone", outputs=None, message="nobody knows it")
        await door.callbacks(receiver.origin).drain()
    told = msgspec.json.decode(receiver.requests[0][2])
    assert (told["type"], told["data"]["state"]) == ("launch.unknown", "unknown")
    assert told["data"]["error"] == {"code": "gone", "message": "nobody knows it"}
    assert told["data"]["execution_id"] is not None


async def test_the_signature_is_verified_by_the_standard_library_of_the_receiver(door, clock):
    """A receiver that holds its key's secret verifies the message with the Standard Webhooks library; others do not."""
    import time

    clock.unix_s = time.time()
    async with Receiver() as receiver:
        door.end(door.launch(receiver.origin, caller="key-9"))
        await door.callbacks(receiver.origin).drain()
    [(_, headers, body)] = receiver.requests
    [secret], [other] = MASTERS.secrets_of("key-9"), MASTERS.secrets_of("key-8")
    assert Webhook(secret).verify(body, headers)["type"] == "launch.completed"
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(other).verify(body, headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(secret).verify(body.replace(b"completed", b"cancelled"), headers)


async def test_during_a_rotation_old_and_new_secret_verify(door, clock):
    """With two master secrets in force each receiver verifies with the one that it holds."""
    import time

    clock.unix_s = time.time()
    fresh = Masters((b"a newer master secret, just as long as the old one", MASTER))
    async with Receiver() as receiver:
        door.end(door.launch(receiver.origin))
        await door.callbacks(receiver.origin, masters=fresh).drain()
    [(_, headers, body)] = receiver.requests
    for secret in fresh.secrets_of("key-1"):
        Webhook(secret).verify(body, headers)


async def test_a_callback_is_tried_again_over_a_day_then_given_up(door, clock):
    """A receiver that keeps failing gets the same message eleven times within a day, then no more."""
    async with Receiver(answer(500)) as receiver:
        door.end(door.launch(receiver.origin))
        outbox = door.callbacks(receiver.origin)
        began_s = clock.unix_s
        await outbox.drain()
        for delay_s in DELAYS_S:
            clock.advance(delay_s - 1)
            assert await outbox.drain() == 0
            clock.advance(1)
            assert await outbox.drain() == 1
        took_s = clock.unix_s - began_s
        clock.advance(86_400 * 3)
        assert await outbox.drain() == 0
    [kept] = delivery_views.read(door.store)
    attempts = delivery_views.attempts_of(door.store, kept.seq)
    assert (kept.state, kept.tries, kept.problem, kept.due_us) == ("dead", 11, "answered 500", None)
    assert 0.8 * 86_400 < took_s < 86_400
    assert len({body for _, _, body in receiver.requests}) == 1
    assert len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 1
    assert len({headers["webhook-timestamp"] for _, headers, _ in receiver.requests}) == 11
    assert [one.number for one in attempts] == list(range(1, 12))


async def test_a_replay_sends_the_same_message_again(door):
    """A callback that was given up is sent again on request, under its message id; the audit log names who asked."""
    async with Receiver(answer(410), answer(200)) as receiver:
        door.end(door.launch(receiver.origin))
        outbox = door.callbacks(receiver.origin)
        await outbox.drain()
        [dead] = delivery_views.read(door.store, state="dead")
        assert delivery_views.replay(door.store, dead.id, who="ann@desk").state == "waiting"
        assert delivery_views.replay(door.store, "no-such-id", who="ann@desk") is None
        await outbox.drain()
    [kept] = delivery_views.read(door.store)
    assert (kept.state, kept.tries, kept.tries_before) == ("delivered", 1, 1)
    assert [one.number for one in delivery_views.attempts_of(door.store, kept.seq)] == [1, 2]
    assert receiver.requests[0][2] == receiver.requests[1][2]
    [line] = audit.read(door.store, what="callback.replay")
    assert (line.name, line.target) == ("ann@desk", kept.id)


async def test_gone_is_gone(door):
    """A receiver that answers 410 is not called again."""
    async with Receiver(answer(410)) as receiver:
        door.end(door.launch(receiver.origin))
        await door.callbacks(receiver.origin).drain()
    assert set(states(door).values()) == {"dead"}


async def test_a_receiver_that_asks_for_patience_gets_it(door, clock):
    """Retry-After makes the next attempt later than the schedule would."""
    async with Receiver(answer(503, "Retry-After: 900"), answer(200)) as receiver:
        door.end(door.launch(receiver.origin))
        outbox = door.callbacks(receiver.origin)
        await outbox.drain()
        clock.advance(899)
        assert await outbox.drain() == 0
        clock.advance(1)
        assert await outbox.drain() == 1
    assert set(states(door).values()) == {"delivered"}


async def test_a_launch_that_ends_again_is_told_again(door, clock):
    """After a retry the second end gets a message of its own; the first one still says how it ended then."""
    async with Receiver(answer(500), answer(200)) as receiver:
        launch = door.end(door.launch(receiver.origin), Event.FAILED, outputs=None, message="first")
        outbox = door.callbacks(receiver.origin)
        await outbox.drain()
        clock.advance(1)
        door.retry(launch)
        door.end(launch)
        clock.advance(60)
        outbox.ended([launch.row_id])
        assert await outbox.drain() == 2
    bodies = {headers["webhook-id"]: set() for _, headers, _ in receiver.requests}
    for _, headers, body in receiver.requests:
        bodies[headers["webhook-id"]].add(body)
    told = [msgspec.json.decode(body)["data"] for one in bodies.values() for body in one]
    assert [(one["state"], one["attempt"]) for one in told] == [("failed", 1), ("completed", 2)]
    assert told[0]["error"]["message"] == "first"


async def test_a_crash_between_end_and_callback_forgets_nothing(tmp_path, clock):
    """An end that was recorded just before the process died is told by the next one."""
    async with Receiver() as receiver:
        first = Door(tmp_path, clock)
        first.end(first.launch(receiver.origin))
        first.close()
        second = Door(tmp_path, clock)
        assert await second.callbacks(receiver.origin).drain() == 1
        second.close()
    assert len(receiver.requests) == 1


async def test_two_processes_send_a_callback_once(door):
    """Two outboxes on one ledger share the work: each message leaves once."""
    async with Receiver() as receiver:
        for _ in range(20):
            door.end(door.launch(receiver.origin))
        both = [door.callbacks(receiver.origin), door.callbacks(receiver.origin)]
        while set(states(door).values()) != {"delivered"}:
            await asyncio.gather(*(outbox.drain() for outbox in both))
    ids = [headers["webhook-id"] for _, headers, _ in receiver.requests]
    assert len(ids) == len(set(ids)) == 20


async def test_what_a_dead_process_had_in_hand_is_sent_after_its_lease(door, clock):
    """A callback leased by a process that died is sent by another one when the lease has ended, not before."""
    async with Receiver() as receiver:
        door.end(door.launch(receiver.origin))
        deliveries.begin(door.store, lambda url: url)
        [due] = deliveries.due(door.store, limit=10)
        assert len(deliveries.lease(door.store, [due.seq], "the-dead-one", lasts_us=60_000_000)) == 1
        outbox = door.callbacks(receiver.origin)
        clock.advance(59)
        assert await outbox.drain() == 0
        clock.advance(2)
        assert await outbox.drain() == 1


async def test_what_a_killed_process_of_this_machine_had_in_hand_is_sent_at_once(door):
    """After a restart nobody waits for the lease of the process before: it is known to be gone."""
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    async with Receiver() as receiver:
        for holder in (f"{gone.pid}@{platform.node()}/1", f"{os.getpid()}@{platform.node()}/before-a-restart"):
            door.end(door.launch(receiver.origin))
            deliveries.begin(door.store, lambda url: url)
            [due] = deliveries.due(door.store, limit=10)
            assert deliveries.lease(door.store, [due.seq], holder, lasts_us=60_000_000)
        assert await door.callbacks(receiver.origin).drain() == 2
        door.end(door.launch(receiver.origin))
        deliveries.begin(door.store, lambda url: url)
        [due] = deliveries.due(door.store, limit=10)
        assert deliveries.lease(door.store, [due.seq], f"{gone.pid}@another-machine/1", lasts_us=60_000_000)
        assert await door.callbacks(receiver.origin).drain() == 0


async def test_a_slow_receiver_leaves_room_for_the_others(door):
    """While a receiver that never answers holds its share of connections, another one gets its message."""
    async with Receiver(None) as slow, Receiver() as quick:
        for _ in range(10):
            door.end(door.launch(slow.origin))
        door.end(door.launch(quick.origin))
        outbox = door.callbacks(slow.origin, quick.origin, timeout_s=30)
        stop = asyncio.Event()
        running = asyncio.create_task(outbox.run(stop))
        await asyncio.wait_for(quick.got_one.wait(), 60)
        in_hand = len(slow.requests)
        stop.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert len(quick.requests) == 1
    assert in_hand <= 4


async def test_outputs_too_long_for_a_message_are_left_out(door):
    """A message stays below its size limit: longer outputs are left out, and it says so."""
    async with Receiver() as receiver:
        door.end(door.launch(receiver.origin), outputs=b'"' + b"x" * 300_000 + b'"')
        await door.callbacks(receiver.origin).drain()
    body = receiver.requests[0][2]
    told = msgspec.json.decode(body)["data"]
    assert len(body) < 2_000
    assert (told["outputs"], told["outputs_omitted"]) == (None, True)


async def test_a_running_outbox_hears_of_ends_and_stops(door):
    """The outbox sends as soon as it hears of an end, and stops when asked."""
    async with Receiver() as receiver:
        outbox, stop = door.callbacks(receiver.origin), asyncio.Event()
        running = asyncio.create_task(outbox.run(stop))
        await asyncio.sleep(0)
        launch = door.end(door.launch(receiver.origin))
        outbox.ended([launch.row_id])
        await asyncio.wait_for(receiver.got_one.wait(), 60)
        stop.set()
        await asyncio.wait_for(running, 60)
    assert states(door) == {launch.id: "delivered"}


async def test_trouble_with_the_ledger_ends_no_outbox(door, monkeypatch):
    """When the ledger cannot be used for a moment, whatever the reason, callbacks wait and then go on."""
    troubles = [LedgerError("the disk is asleep"), RuntimeError("a defect")]
    begin = deliveries.begin
    monkeypatch.setattr("flowlaunch.gateway.callbacks.outbox.TROUBLE_PAUSE_S", 0.01)

    def troubled(*arguments):
        if troubles:
            raise troubles.pop()
        return begin(*arguments)

    monkeypatch.setattr(deliveries, "begin", troubled)
    async with Receiver() as receiver:
        outbox, stop = door.callbacks(receiver.origin), asyncio.Event()
        outbox.ended([door.end(door.launch(receiver.origin)).row_id])
        running = asyncio.create_task(outbox.run(stop))
        await asyncio.wait_for(receiver.got_one.wait(), 60)
        stop.set()
        await running
    assert troubles == []
