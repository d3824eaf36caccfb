"""Deliver callbacks: take what is due, send it, write what came of it; any number of processes may do so at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final, Protocol

from flowlaunch._io.chance import CHANCE
from flowlaunch.errors import InputError, LedgerError
from flowlaunch.gateway.callbacks import targets
from flowlaunch.gateway.callbacks.body import body_of
from flowlaunch.gateway.callbacks.holders import is_dead, new_holder
from flowlaunch.gateway.callbacks.schedule import next_delay_s, retry_after_s
from flowlaunch.gateway.callbacks.sending import Answered
from flowlaunch.gateway.store import deliveries
from flowlaunch.gateway.store.deliveries import Attempt, Settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flowlaunch.batch.ledger.store import Store
    from flowlaunch.gateway.callbacks.masters import Masters
    from flowlaunch.gateway.callbacks.sending import Sender
    from flowlaunch.gateway.store.deliveries import Due, Leased

__all__ = ["Callbacks", "Observer"]

AT_ONCE: Final = 32
AT_ONCE_PER_ORIGIN: Final = 4
"""So that one slow receiver leaves room for the others."""
LEASE_US: Final = 60_000_000
"""Longer than an attempt can take; what a dead process had in hand is sent by another one after it."""
PASS_EVERY_S: Final = 5.0
PASS_SHARE: Final = 0.02
"""Ends that nobody told us of (another machine launched, a crash) are looked for this often, and longer apart when
looking takes more than this share of the time."""
LONGEST_REST_S: Final = 60.0
TROUBLE_PAUSE_S: Final = 5.0
AGAIN_S: Final = 0.05
BLOCKED_S: Final = 1.0
SECOND_US: Final = 1_000_000
GONE: Final = 410
logger = logging.getLogger("flowlaunch.gateway.callbacks")


class Attempted(Protocol):
    """An attempt under way, as an observer has it; `headers` are sent with it."""

    headers: Mapping[str, str]

    def end(self, answered: Answered) -> None:
        """Take in what came of it."""
        ...


class Observer(Protocol):
    """Told of every attempt."""

    def begin(self, one: Leased, traceparent: str) -> Attempted:
        """Take in that a callback is being sent, of a launch that belongs to this trace."""
        ...


class Callbacks:
    """Tells apps how their launches ended.

    Attributes:
        observer: told of every attempt; None: nobody is.

    """

    def __init__(
        self, store: Store, sender: Sender, masters: Masters | None, *, chance: Callable[[], float] = CHANCE.random
    ) -> None:
        self._store = store
        self._sender = sender
        self._masters = masters
        self._chance = chance
        self._holder = new_holder()
        self._busy: Counter[str] = Counter()
        self._sending: set[asyncio.Task[None]] = set()
        self._ended: set[int] = set()
        self._turn = threading.Lock()
        self._bell = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.observer: Observer | None = None

    def check(self, url: str) -> str:
        """Return the address when it may be called back; InputError says why not."""
        targets.target_of(url, self._sender.rules)
        self.secrets_of("")
        return url

    def secrets_of(self, key_id: str) -> tuple[str, ...]:
        """Return what verifies the callbacks of a key; InputError when the gateway has no secret to sign with."""
        if self._masters is None:
            raise InputError(
                "callbacks cannot be signed: this gateway has no callback secret",
                code="callbacks-off",
                hint="Have its operator set FLOWLAUNCH_CALLBACK_SECRET, the same on every machine.",
            )
        return self._masters.secrets_of(key_id)

    def ended(self, row_ids: Iterable[int]) -> None:
        """Take in that rows may have ended; from any thread, without waiting."""
        with self._turn:
            self._ended.update(row_ids)
        self.wake()

    def wake(self) -> None:
        """Have the outbox looked at now; from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._bell.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`, then let what is being sent come to its end."""
        self._loop = asyncio.get_running_loop()
        stopping = asyncio.create_task(stop.wait())
        pass_at_s = 0.0
        try:
            while not stop.is_set():
                self._bell.clear()
                began_s = self._loop.time()
                is_full = began_s >= pass_at_s
                wait_s = await self._turn_once(is_full=is_full)
                if is_full:
                    took_s = self._loop.time() - began_s
                    pass_at_s = began_s + max(PASS_EVERY_S, took_s / PASS_SHARE)
                await self._rest(stopping, min(wait_s, max(0.0, pass_at_s - self._loop.time())))
            await asyncio.gather(*self._sending)
        finally:
            for task in (stopping, *self._sending):  # when this is cancelled: nobody waits for receivers any more
                task.cancel()

    async def drain(self) -> int:
        """Deliver what is due now and return how many were tried; for tests and for one-off use."""
        self._loop = asyncio.get_running_loop()
        await self._turn_once(is_full=True)
        tried = len(self._sending)
        await asyncio.gather(*self._sending)
        return tried

    async def _rest(self, stopping: asyncio.Task[bool], wait_s: float) -> None:
        ringing = asyncio.create_task(self._bell.wait())
        await asyncio.wait({stopping, ringing}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        ringing.cancel()

    async def _turn_once(self, *, is_full: bool) -> float:
        """Begin deliveries of what ended and send what is due; return how long to wait for the next turn."""
        with self._turn:
            ended, self._ended = self._ended, set()
        try:
            await asyncio.to_thread(self._begin, None if is_full else sorted(ended))
            leased = await asyncio.to_thread(self._take, AT_ONCE - len(self._sending), Counter(self._busy))
            wait_s = await asyncio.to_thread(self._wait_s, AGAIN_S if leased else BLOCKED_S)
        except Exception as error:  # a trouble of one turn must not end the delivering of all callbacks
            if isinstance(error, LedgerError):
                logger.warning("callbacks wait: %s", error.message)
            else:
                logger.exception("callbacks wait")
            with self._turn:
                self._ended |= ended
            return TROUBLE_PAUSE_S
        for one in leased:
            self._busy[targets.origin_of(one.url)] += 1
            task = asyncio.create_task(self._deliver(one))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return wait_s

    def _begin(self, row_ids: list[int] | None) -> None:
        if row_ids is None:
            deliveries.free_leases(self._store, is_dead)
        if row_ids is None or row_ids:
            deliveries.begin(self._store, targets.origin_of, row_ids)

    def _take(self, room: int, busy: Counter[str]) -> tuple[Leased, ...]:
        full = [origin for origin, n in busy.items() if n >= AT_ONCE_PER_ORIGIN]
        if room <= 0:
            return ()
        found = deliveries.due(self._store, but_origins=full, limit=AT_ONCE, per_origin=AT_ONCE_PER_ORIGIN)
        seqs = [one.seq for one in _chosen(found, room, busy)]
        return deliveries.lease(self._store, seqs, self._holder, lasts_us=LEASE_US) if seqs else ()

    def _wait_s(self, least_s: float) -> float:
        due_us = deliveries.next_due_us(self._store)
        if due_us is None:
            return LONGEST_REST_S
        return min(LONGEST_REST_S, max((due_us - self._store.now_us()) / SECOND_US, least_s))

    async def _deliver(self, one: Leased) -> None:
        origin = targets.origin_of(one.url)
        try:
            began_us = self._store.now_us()
            answered = await self._send(one)
            done = self._judged(one, answered, began_us)
            if not await asyncio.to_thread(deliveries.settle, self._store, self._holder, done):
                logger.warning("callback %s: its lease had ended before its answer was written", one.id)
        except Exception:  # whatever it was, the lease ends and the callback is tried again
            logger.exception("callback %s to %s waits for its lease to end", one.id, origin)
        finally:
            self._busy[origin] -= 1
            if self._busy[origin] <= 0:
                del self._busy[origin]
            self._bell.set()

    async def _send(self, one: Leased) -> Answered:
        try:
            target = targets.target_of(one.url, self._sender.rules)  # the rules may have changed since
            secrets_of_key = self.secrets_of(one.key_id)
        except InputError as error:
            return Answered(problem=error.message)
        ended = await asyncio.to_thread(deliveries.ended_of, self._store, one)
        if ended is None:
            return Answered(status=GONE, problem="the launch is not in the ledger any more")
        from flowlaunch.gateway.callbacks.signing import signed_headers  # noqa: PLC0415 - only who signs loads it

        body = body_of(one, ended)
        at_s = self._store.now_us() // SECOND_US
        headers = signed_headers(one.id, at_s, body, secrets_of_key)
        if self.observer is None:
            return await self._sender.send(target, headers, body)
        seen = self.observer.begin(one, ended.trace)
        answered = await self._sender.send(target, {**headers, **seen.headers}, body)
        seen.end(answered)
        return answered

    def _judged(self, one: Leased, answered: Answered, began_us: int) -> Settled:
        """Say what becomes of a delivery after an attempt."""
        now_us = self._store.now_us()
        tries = one.tries + 1
        attempt = Attempt(
            number=one.tries_before + tries,
            at_us=began_us,
            took_us=max(0, now_us - began_us),
            http_status=answered.status,
            problem=answered.problem,
        )
        if not answered.problem:
            return Settled(seq=one.seq, state="delivered", attempt=attempt)
        asked_s = retry_after_s(answered.retry_after, now_us / SECOND_US)
        delay_s = next_delay_s(tries, self._chance(), asked_s=asked_s)
        if delay_s is None or answered.status == GONE:
            return Settled(seq=one.seq, state="dead", attempt=attempt)
        return Settled(seq=one.seq, state="waiting", attempt=attempt, due_us=now_us + round(delay_s * SECOND_US))


def _chosen(found: Iterable[Due], room: int, busy: Counter[str]) -> list[Due]:
    """Choose what to send now, leaving no receiver more than its share of what is sent at once."""
    chosen: list[Due] = []
    for one in found:
        if busy[one.origin] < AT_ONCE_PER_ORIGIN and len(chosen) < room:
            busy[one.origin] += 1
            chosen.append(one)
    return chosen
