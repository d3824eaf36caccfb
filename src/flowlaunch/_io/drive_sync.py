"""Run plans on threads."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from flowlaunch._core.pace import AT_ONCE, Slot
from flowlaunch._core.steps import Bearer, Moment, Now, Once, Pause, PushBack, Reserve, Send, Warn, Withdraw
from flowlaunch._core.tokens import Held, next_credentials, token_plan
from flowlaunch._io.chance import CHANCE
from flowlaunch._io.forks import renew_after_fork
from flowlaunch._io.shared import Kept, Shared
from flowlaunch.errors import DeadlineError
from flowlaunch.hooks import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from flowlaunch._core.messages import Reply
    from flowlaunch._core.steps import Plan, Step
    from flowlaunch._io.clock import Clock
    from flowlaunch._io.http_sync import SyncTransport

T = TypeVar("T")


class SyncDriver:
    """Performs what plans ask for, for any number of threads."""

    def __init__(self, shared: Shared, transport: SyncTransport, clock: Clock) -> None:
        self.shared = shared
        self.transport = transport
        self.clock = clock
        self._perform: dict[type[Any], Callable[[Any], Any]] = {
            Now: lambda _step: clock.now(),
            Bearer: self._bearer,
            Reserve: self._reserve,
            PushBack: self._push_back,
            Withdraw: self._withdraw,
            Pause: self._pause,
            Send: self._send,
            Once: self._once,
            Warn: lambda step: shared.teller.tell(Event("warning", outcome=step.message)),
        }
        self.begin_process()
        renew_after_fork(self)

    def begin_process(self) -> None:
        """Make locks of this process's own: a fork copies those that other threads of the parent held."""
        self._lock = threading.Lock()
        self._sign_in_lock = threading.Lock()
        self._key_locks: dict[Hashable, threading.Lock] = {}

    def run(self, plan: Plan[T]) -> T:
        """Carry `plan` to its end."""
        reply: Any = None
        with closing(plan):  # an interrupt still unwinds the plan
            while True:
                try:
                    step: Step = plan.send(reply)
                except StopIteration as end:
                    result: T = end.value
                    return result
                reply = self._perform[type(step)](step)

    def _send(self, step: Send) -> Reply:
        began = self.clock.now()
        reply = self.transport.send(step.request, max(0.001, step.deadline_s - began.mono_s))
        self.shared.answered(step.request, reply, self.clock.now().mono_s - began.mono_s)
        return reply

    def _pause(self, step: Pause) -> None:
        seconds = CHANCE.uniform(step.at_least_s, step.up_to_s)
        self.shared.teller.tell(Event("pause", outcome="waiting", elapsed_s=seconds))
        self.clock.sleep(seconds)

    def _reserve(self, step: Reserve) -> Slot | None:
        if self.shared.pace is None:
            return AT_ONCE
        with self._lock:
            return self.shared.pace.reserve(self.clock.now().mono_s, step.deadline_s)

    def _push_back(self, step: PushBack) -> None:
        if self.shared.pace is not None:
            with self._lock:
                self.shared.pace.push_back(self.clock.now().mono_s, step.seconds)

    def _withdraw(self, step: Withdraw) -> bool:
        with self._lock:
            return self.shared.quota.withdraw(step.cost)

    def _bearer(self, step: Bearer) -> Held:
        shared, now = self.shared, self.clock.now()
        held = shared.usable(step.refused, now)
        if held is not None:
            return held
        failures = shared.failed_sign_ins
        self._acquire(self._sign_in_lock, step.deadline_s, now, "sign in")
        try:
            now = self.clock.now()
            held = shared.usable(step.refused, now) or shared.from_cache(step.refused, now)
            if held is not None:
                return held
            if shared.failed_sign_ins != failures and shared.sign_in_error is not None:
                raise shared.sign_in_error  # it failed while this thread waited: once is enough
            return self._sign_in(step)
        finally:
            self._sign_in_lock.release()

    def _sign_in(self, step: Bearer) -> Held:
        shared, api = self.shared, self.shared.api
        credentials = next_credentials(shared.credentials, shared.held)
        try:
            grant = self.run(token_plan(api.contract, api.hosts, credentials, api.policy, step.deadline_s))
        except Exception as error:
            held = shared.still_good(step.refused, self.clock.now(), error)
            if held is not None:
                return held
            shared.note_failed_sign_in(error)
            raise
        shared.keep_token(grant.held(shared.held.generation + 1), self.clock.now())
        return shared.held

    def _once(self, step: Once) -> Any:
        shared, now = self.shared, self.clock.now()
        kept = shared.fresh(step.key, now)
        if kept is None:
            with self._lock:
                lock = self._key_locks.setdefault(step.key, threading.Lock())
            self._acquire(lock, step.deadline_s, now, "read the flow")
            try:
                kept = shared.fresh(step.key, self.clock.now())
                if kept is None:
                    value = self.run(step.make_plan())
                    kept = shared.kept[step.key] = Kept(value, self.clock.now().mono_s + step.fresh_s)
            finally:
                lock.release()
        return kept.value

    def _acquire(self, lock: threading.Lock, deadline_s: float, now: Moment, what: str) -> None:
        left_s = max(0.0, deadline_s - now.mono_s)
        if not lock.acquire(timeout=min(left_s, threading.TIMEOUT_MAX)):
            raise DeadlineError(f"could not {what}: another call's attempt took too long", timeout_s=left_s)
