"""The flows that are launched, read seldom and on the shared pace, and still known while the platform is away."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from flowlaunch._core.flows import launchable
from flowlaunch._core.preflight import Inputs, check_input, too_large
from flowlaunch.batch.permits import govern
from flowlaunch.errors import FlowlaunchError, FlowLookupError
from flowlaunch.gateway.api.problems import Problem

if TYPE_CHECKING:
    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.gateway.launches.pacing import PacedReads
    from flowlaunch.models import Flow, FlowInputs, JsonObject, Problem as InputProblem

__all__ = ["FlowBook"]

FRESH_S: Final = 60.0
"""How long a flow is believed; its client reads no sooner."""
UNKNOWN_S: Final = 10.0
"""How long a flow that was not found is not looked for again."""
MOST_HELD: Final = 1_000
MOST_READING: Final = 100
"""Names that are being looked up; each takes a slot of the pace, also when who asked is gone."""
SOON_S: Final = 10
FRAME_BYTES: Final = 1_000
"""What a request holds beside the input: flow id, version and name at their longest."""


@dataclass(slots=True)
class Entry:
    """What is known of one name or id: a flow, or why there is none."""

    read_s: float
    flow: Flow | None = None
    error: FlowLookupError | None = None

    def is_fresh(self, now_s: float) -> bool:
        """Whether it need not be read again."""
        return now_s - self.read_s < (FRESH_S if self.flow is not None else UNKNOWN_S)


class FlowBook:
    """Flows by id or exact name. Every read takes a slot of the shared pace."""

    def __init__(self, client: AsyncClient, reads: PacedReads, clock: AsyncClock) -> None:
        govern(client)
        self._client, self._reads, self._clock = client, reads, clock
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._inputs: OrderedDict[tuple[str, str], Inputs] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Entry]] = {}
        self._listed: tuple[float, tuple[Flow, ...]] | None = None

    async def flow(self, ref: str) -> Flow:
        """Return a flow as it was within the last minute, or as last known while the platform cannot be reached.

        Raises:
            FlowLookupError: there is none, or several.
            FlowlaunchError: it was never read, and cannot be read now.
            Problem: it was never read, and too many others wait to be.

        """
        held = self._entries.get(ref)
        if held is None or not held.is_fresh(self._clock.now().mono_s):
            try:
                held = await self._read_once(ref)
            except (FlowlaunchError, Problem):
                if held is None or held.flow is None:
                    raise
        if held.flow is None:
            raise held.error or FlowLookupError(f"no flow {ref!r}")
        return held.flow

    async def check(self, flow: Flow, input_data: object, version: str | None) -> tuple[JsonObject, list[InputProblem]]:
        """Return the input as a launch would send it, and everything that is wrong with it.

        Does what `client.check` does, with what is known of the flow at hand: it costs a third of the time.

        Raises:
            FlowLookupError: the flow is not published, or has no such version.

        """
        checked = launchable(flow, version)
        found = checked.published_version.id if checked.published_version is not None else ""
        key = (flow.id, version or found)
        inputs = self._inputs.get(key)
        if inputs is None:
            if version is not None and version != found:
                checked = (await self._client.check(flow, {}, version=version)).flow
            inputs = Inputs(self._client._api.contract, checked.input_schema or {})  # noqa: SLF001 - whose names it reads
            self._inputs[key] = inputs
            while len(self._inputs) > MOST_HELD:
                self._inputs.popitem(last=False)
        data, problems = check_input(inputs if checked.input_schema is not None else None, input_data)
        if not problems and (large := too_large(len(msgspec.json.encode(data)) + FRAME_BYTES)):
            problems.append(large)
        return data, problems

    async def inputs(self, flow: Flow, version: str | None = None) -> FlowInputs:
        """Return the inputs of a flow's version."""
        return await self._client.flow_inputs(flow, version=version)

    async def all(self) -> tuple[Flow, ...]:
        """Return every workflow that the client sees, read at most once a minute."""
        now_s = self._clock.now().mono_s
        if self._listed is None or now_s - self._listed[0] >= FRESH_S:
            self._listed = (now_s, tuple([flow async for flow in self._reads.flows()]))
        return self._listed[1]

    async def _read_once(self, ref: str) -> Entry:
        task = self._reading.get(ref)
        if task is None:
            if len(self._reading) >= MOST_READING:
                raise Problem(
                    503, "lookups-busy", "Too many flows are being looked for",
                    f"{MOST_READING} names of flows wait to be looked up on the shared pace. Ask again soon.",
                    retry_after_s=SOON_S,
                )  # fmt: skip
            task = asyncio.get_running_loop().create_task(self._read(ref))
            self._reading[ref] = task
            task.add_done_callback(lambda _done: self._reading.pop(ref, None))
        return await asyncio.shield(task)

    async def _read(self, ref: str) -> Entry:
        try:
            entry = Entry(self._clock.now().mono_s, flow=await self._reads.find_flow(ref))
        except FlowLookupError as error:
            entry = Entry(self._clock.now().mono_s, error=error)
        self._entries[ref] = entry
        self._entries.move_to_end(ref)
        while len(self._entries) > MOST_HELD:
            self._entries.popitem(last=False)
        return entry
