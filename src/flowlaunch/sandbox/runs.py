"""Executions: accepted at once, run in order when there is time, waiting on the sandbox's clock.

A launch only queues its run, so accepting stays cheap. The queue is worked off between requests, and at once
(within a bound) when somebody asks for an execution. Runs keep their own time: one that is started late still
sees the moment of its launch, and a wait ends when it is due, however late the sandbox comes to it.
"""

from __future__ import annotations

import heapq
import logging
from collections import OrderedDict, deque
from contextlib import closing
from time import perf_counter
from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.architect.interpret import abandon, run
from flowlaunch.errors import FlowError
from flowlaunch.sandbox.answering import Later, Unanswerable, WorldHost, answer_effect

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from flowlaunch.architect.effects import Answer, Effect
    from flowlaunch.architect.interpret import RunResult
    from flowlaunch.architect.run_state import RunError
    from flowlaunch.architect.trace import Trace
    from flowlaunch.sandbox.clock import Clock
    from flowlaunch.sandbox.world import FlowVersion, World

__all__ = ["Execution", "Runs"]

TRACES_KEPT = 1_000
logger = logging.getLogger("flowlaunch.sandbox")
_encode = msgspec.json.Encoder().encode
_decode_inputs = msgspec.json.Decoder(dict[str, Any]).decode


class Execution(msgspec.Struct, gc=False):
    """One accepted launch and what came of it; JSON parts are kept encoded.

    Attributes:
        number: counts accepted launches from 1.
        inputs: `inputData` as it was sent.
        label: the `name` of the launch.
        status: `RUNNING`, `COMPLETED` or `FAILED`.
        error: the `flowErrorInfo`, without its `contextId`.
        sent: guide contract: the data as they were sent.
        hidden_polls, hidden_until: reads that a fault answers with 404.

    """

    number: int
    id: str
    version: Any
    inputs: bytes
    label: str | None
    client_id: str
    launched_at: float
    correlation_id: str
    status: str = "RUNNING"
    completed_at: float = 0.0
    outputs: bytes = b""
    reason: str = ""
    error: bytes = b""
    sent: bytes = b""
    hidden_polls: int = 0
    hidden_until: float = 0.0


class _Run:
    """A run in progress; `answers` replays it to the same point after a restore."""

    __slots__ = ("answers", "due", "execution", "host", "pending", "steps")

    def __init__(self, execution: Execution, steps: Generator[Effect, Answer, RunResult], host: WorldHost) -> None:
        self.execution = execution
        self.steps = steps
        self.host = host
        self.answers: list[tuple[float, Answer]] = []
        self.pending: Answer = None
        self.due = 0.0


class Runs:
    """Every execution of the sandbox, and the work still to be done on them."""

    def __init__(self, world: World, clock: Clock, *, reports_exit_reason: bool, on_work: Callable[[], None]) -> None:
        self.executions: dict[str, Execution] = {}
        self.accepted = 0
        self.ended = 0
        self.on_work = on_work
        self.on_end: Callable[[Execution], None] | None = None
        self._world = world
        self._clock = clock
        self._reports_exit_reason = reports_exit_reason
        self._queue: deque[Execution] = deque()
        self._running: dict[str, _Run] = {}
        self._due: list[tuple[float, int, str]] = []
        self._traces: OrderedDict[str, Trace] = OrderedDict()

    # -- accepting and reading ------------------------------------------------------------------------------

    def accept(
        self, execution_id: str, version: FlowVersion, inputs: bytes, label: str | None, client_id: str,
        now: float, correlation_id: str,
    ) -> Execution:  # fmt: skip
        """Take a launch; its run begins later."""
        self.accepted += 1
        execution = Execution(self.accepted, execution_id, version, inputs, label, client_id, now, correlation_id)
        self.executions[execution_id] = execution
        self._queue.append(execution)
        self.on_work()
        return execution

    def adopt(self, execution: Execution) -> None:
        """Take an execution over from storage; an unfinished one is run again from its launch."""
        self.executions[execution.id] = execution
        self.accepted = max(self.accepted, execution.number)
        if execution.status == "RUNNING":
            self._queue.append(execution)

    def settle(self, execution: Execution, now: float, budget_s: float) -> None:
        """Bring an execution up to date: work the queue off up to it, in order, for at most `budget_s`."""
        deadline = perf_counter() + budget_s
        if execution.status != "RUNNING":
            return
        waiting = self._running.get(execution.id)
        if waiting is None:
            while self._queue and execution.status == "RUNNING" and execution.id not in self._running:
                self._start(self._queue.popleft())
                if perf_counter() > deadline:
                    return
        self._wake_due(now, deadline)

    def pump(self, now: float, budget_s: float) -> bool:
        """Do queued and due work for at most `budget_s`; tell whether some is left."""
        deadline = perf_counter() + budget_s
        while self._queue and perf_counter() < deadline:
            self._start(self._queue.popleft())
        self._wake_due(now, deadline)
        return bool(self._queue) or bool(self._due and self._due[0][0] <= now)

    def finish_all(self, now: float) -> None:
        """Do all work that can be done now."""
        self.pump(now, float("inf"))

    def next_due(self) -> float | None:
        """Give the instant at which the first waiting run goes on."""
        return self._due[0][0] if self._due else None

    @property
    def waiting(self) -> int:
        """Count the runs that wait for their time."""
        return len(self._running)

    def due_of(self, execution: Execution) -> float | None:
        """Give the instant at which a waiting run goes on; None when it does not wait."""
        current = self._running.get(execution.id)
        return current.due if current is not None else None

    def trace(self, execution: Execution) -> Trace | None:
        """Give what a finished run did; the last 1,000 are kept."""
        return self._traces.get(execution.id)

    # -- running --------------------------------------------------------------------------------------------

    def _start(self, execution: Execution) -> None:
        program = execution.version.program
        host = WorldHost(self._world, execution.launched_at, execution.id)
        try:
            steps = run(program, _decode_inputs(execution.inputs or b"{}"), host, self._world.rules)
        except FlowError as error:
            self._fail(execution, "sandbox.input.type.mismatch", error.message, execution.launched_at)
            return
        except Exception as error:  # noqa: BLE001 - logged; one run must not stop the others
            self._fail_itself(execution, error, execution.launched_at)
            return
        self._go_on(_Run(execution, steps, host))

    def _go_on(self, current: _Run) -> None:
        """Drive a run until it waits or ends."""
        given = current.pending
        try:
            while True:
                effect = current.steps.send(given)
                answer = answer_effect(self._world, effect, current.host.at)
                if isinstance(answer, Later):
                    due = current.host.at + answer.delay_s
                    if due > self._clock.now() and not self._clock.skips_waits:
                        self._park(current, due, answer.answer)
                        return
                    current.host.at = due
                    answer = answer.answer
                current.answers.append((current.host.at, answer))
                given = answer
        except StopIteration as end:
            self._end(current, end.value)
        except Unanswerable as missing:
            trace = abandon(current.steps, missing.message)
            if trace is not None:
                self._keep_trace(current.execution, trace)
            self._fail(current.execution, missing.code, missing.message, current.host.at)
        except Exception as error:  # noqa: BLE001 - logged; one run must not stop the others
            self._fail_itself(current.execution, error, current.host.at)

    def _park(self, current: _Run, due: float, pending: Answer) -> None:
        current.pending = pending
        current.due = due
        execution = current.execution
        self._running[execution.id] = current
        heapq.heappush(self._due, (due, execution.number, execution.id))
        self.on_work()

    def _wake_due(self, now: float, deadline: float) -> None:
        while self._due and (self._due[0][0] <= now or self._clock.skips_waits):
            due, _, execution_id = heapq.heappop(self._due)
            current = self._running.pop(execution_id, None)
            if current is not None:
                current.host.at = due
                current.answers.append((due, current.pending))
                self._go_on(current)
            if perf_counter() > deadline:
                return

    def _end(self, current: _Run, result: RunResult) -> None:
        execution = current.execution
        self._keep_trace(execution, result.trace)
        if result.error is not None:
            self._record_failure(execution, _flow_error(result.error), current.host.at)
            return
        execution.status = "COMPLETED"
        execution.completed_at = current.host.at
        execution.outputs = _encode(dict(result.outputs))
        execution.reason = (result.exit_reason if self._reports_exit_reason else None) or "Success"
        self._ended(execution)

    def _keep_trace(self, execution: Execution, trace: Trace) -> None:
        self._traces[execution.id] = trace
        if len(self._traces) > TRACES_KEPT:
            self._traces.popitem(last=False)

    def _fail(self, execution: Execution, code: str, message: str, at: float) -> None:
        document = {"message": message, "code": code, "messageWithParams": message, "messageParams": {}}
        self._record_failure(execution, document, at)

    def _fail_itself(self, execution: Execution, error: Exception, at: float) -> None:
        """Fail a run because of a mistake of ours; the sandbox goes on."""
        logger.error("the sandbox failed while running execution %s", execution.id, exc_info=error)
        text = f"The sandbox itself failed while running the flow ({type(error).__name__}: {error})."
        self._fail(execution, "sandbox.failed", text, at)

    def _record_failure(self, execution: Execution, document: dict[str, Any], at: float) -> None:
        execution.status = "FAILED"
        execution.completed_at = at
        execution.reason = "Failure"
        execution.error = _encode({**document, "details": [], "errors": []})
        self._ended(execution)

    def _ended(self, execution: Execution) -> None:
        self.ended += 1
        if self.on_end is not None:
            self.on_end(execution)

    # -- snapshots ------------------------------------------------------------------------------------------

    def snapshot(self) -> tuple[list[Execution], dict[str, tuple[list[tuple[float, Answer]], Answer, float]]]:
        """Copy every execution, and for each waiting run what was answered so far."""
        waiting = {
            execution_id: (list(current.answers), current.pending, current.due)
            for execution_id, current in self._running.items()
        }
        return [msgspec.structs.replace(execution) for execution in self.executions.values()], waiting

    def restore(
        self, saved: tuple[list[Execution], dict[str, tuple[list[tuple[float, Answer]], Answer, float]]]
    ) -> None:
        """Go back to a snapshot; waiting runs are replayed with the answers they had."""
        self.clear()
        executions, waiting = saved
        for kept in executions:
            execution = msgspec.structs.replace(kept)
            if execution.id in waiting:
                self.executions[execution.id] = execution
                self.accepted = execution.number
                self._replay(execution, *waiting[execution.id])
            else:
                self.adopt(execution)
        self.on_work()

    def _replay(self, execution: Execution, answers: list[tuple[float, Answer]], pending: Answer, due: float) -> None:
        host = WorldHost(self._world, execution.launched_at, execution.id)
        steps = run(execution.version.program, _decode_inputs(execution.inputs or b"{}"), host, self._world.rules)
        current = _Run(execution, steps, host)
        steps.send(None)
        for at, answer in answers:
            host.at = at
            steps.send(answer)
        current.answers = list(answers)
        self._park(current, due, pending)

    def clear(self) -> None:
        """Forget every execution."""
        for current in self._running.values():
            with closing(current.steps):
                pass
        self.executions.clear()
        self.accepted = 0
        self._queue.clear()
        self._running.clear()
        self._due.clear()
        self._traces.clear()


def _flow_error(error: RunError) -> dict[str, Any]:
    with_params = error.message
    if "expression" in error.params:
        with_params = f"{error.message} near position {{pos}} in expression '{{expression}}'."
    return {
        "message": error.message,
        "code": error.server_code,
        "messageWithParams": with_params,
        "messageParams": {name: str(value) for name, value in error.params.items()},
    }
