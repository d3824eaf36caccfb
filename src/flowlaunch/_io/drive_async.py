"""Run plans on tasks: the lines of the driver for threads, with `await`."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any, TypeVar

from flowlaunch._core.pace import AT_ONCE, Slot
from flowlaunch._core.steps import Bearer, Now, Once, Pause, PushBack, Reserve, Send, Warn, Withdraw
from flowlaunch._core.tokens import Held, next_credentials, token_plan
from flowlaunch._io.chance import CHANCE
from flowlaunch._io.shared import Kept, Shared
from flowlaunch.errors import DeadlineError
from flowlaunch.hooks import Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Hashable

    from flowlaunch._core.messages import Reply
    from flowlaunch._core.steps import Plan, Step
    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch._io.http_async import AsyncTransport

T = TypeVar("T")


class AsyncDriver:
    """Performs what plans ask for, for any number of tasks of one event loop."""

    def __init__(self, shared: Shared, transport: AsyncTransport, clock: AsyncClock) -> None:
        self.shared = shared
        self.transport = transport
        self.clock = clock
        self._at_once: dict[type[Any], Callable[[Any], Any]] = {
            Now: lambda _step: clock.now(),
            Reserve: self._reserve,
            PushBack: self._push_back,
            Withdraw: lambda step: shared.quota.withdraw(step.cost),
            Warn: lambda step: shared.teller.tell(Event("warning", outcome=step.message)),
        }
        self._perform: dict[type[Any], Callable[[Any], Awaitable[Any]]] = {
            Bearer: self._bearer,
            Pause: self._pause,
            Send: self._send,
            Once: self._once,
        }
        self._begin_process()

    def _begin_process(self) -> None:
        """Make locks of this process's and loop's own."""
        self._pid = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sign_in_lock = asyncio.Lock()
        self._key_locks: dict[Hashable, asyncio.Lock] = {}

    async def run(self, plan: Plan[T]) -> T:
        """Carry `plan` to its end."""
        self._settle_in()
        at_once = self._at_once
        reply: Any = None
        with closing(plan):  # a cancellation still unwinds the plan
            while True:
                try:
                    step: Step = plan.send(reply)
                except StopIteration as end:
                    result: T = end.value
                    return result
                kind = type(step)
                reply = at_once[kind](step) if kind in at_once else await self._perform[kind](step)

    def _settle_in(self) -> None:
        """Start afresh in a forked process or another event loop, where the old locks mean nothing."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop or os.getpid() != self._pid:
            self._begin_process()
            self._loop = loop

    async def _send(self, step: Send) -> Reply:
        began = self.clock.now()
        reply = await self.transport.send(step.request, max(0.001, step.deadline_s - began.mono_s))
        self.shared.answered(step.request, reply, self.clock.now().mono_s - began.mono_s)
        return reply

    async def _pause(self, step: Pause) -> None:
        seconds = CHANCE.uniform(step.at_least_s, step.up_to_s)
        self.shared.teller.tell(Event("pause", outcome="waiting", elapsed_s=seconds))
        await self.clock.sleep(seconds)

    def _reserve(self, step: Reserve) -> Slot | None:
        if self.shared.pace is None:
            return AT_ONCE
        return self.shared.pace.reserve(self.clock.now().mono_s, step.deadline_s)

    def _push_back(self, step: PushBack) -> None:
        if self.shared.pace is not None:
            self.shared.pace.push_back(self.clock.now().mono_s, step.seconds)

    async def _bearer(self, step: Bearer) -> Held:
        shared = self.shared
        held = shared.usable(step.refused, self.clock.now())
        if held is not None:
            return held
        failures = shared.failed_sign_ins
        async with self._holding(self._sign_in_lock, step.deadline_s, "sign in"):
            now = self.clock.now()
            held = shared.usable(step.refused, now) or shared.from_cache(step.refused, now)
            if held is not None:
                return held
            if shared.failed_sign_ins != failures and shared.sign_in_error is not None:
                raise shared.sign_in_error  # it failed while this task waited: once is enough
            return await self._sign_in(step)

    async def _sign_in(self, step: Bearer) -> Held:
        shared, api = self.shared, self.shared.api
        credentials = next_credentials(shared.credentials, shared.held)
        try:
            grant = await self.run(token_plan(api.contract, api.hosts, credentials, api.policy, step.deadline_s))
        except Exception as error:
            held = shared.still_good(step.refused, self.clock.now(), error)
            if held is not None:
                return held
            shared.note_failed_sign_in(error)
            raise
        shared.keep_token(grant.held(shared.held.generation + 1), self.clock.now())
        return shared.held

    async def _once(self, step: Once) -> Any:
        shared = self.shared
        kept = shared.fresh(step.key, self.clock.now())
        if kept is None:
            lock = self._key_locks.setdefault(step.key, asyncio.Lock())
            async with self._holding(lock, step.deadline_s, "read the flow"):
                kept = shared.fresh(step.key, self.clock.now())
                if kept is None:
                    value = await self.run(step.make_plan())
                    kept = shared.kept[step.key] = Kept(value, self.clock.now().mono_s + step.fresh_s)
        return kept.value

    @asynccontextmanager
    async def _holding(self, lock: asyncio.Lock, deadline_s: float, what: str) -> AsyncIterator[None]:
        left_s = max(0.0, deadline_s - self.clock.now().mono_s)
        try:
            async with asyncio.timeout(left_s):
                await lock.acquire()
        except TimeoutError:
            raise DeadlineError(f"could not {what}: another call's attempt took too long", timeout_s=left_s) from None
        try:
            yield
        finally:
            lock.release()
