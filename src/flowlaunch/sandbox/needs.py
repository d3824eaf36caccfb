"""What a flow asks of the world that the world does not have: known before any run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.architect.flow import Need
    from flowlaunch.sandbox.world import FlowRecord, World

__all__ = ["missing_needs"]


def _stubbed(world: World, need: Need) -> bool:
    return any(stub.names(need.group, need.name) for stub in world.stubs)


def _module(world: World, need: Need) -> bool:
    name = need.name.casefold()
    return any(flow.type == "COMMONMODULE" and flow.name.casefold() == name for flow in world.visible_flows())


CHECKS: Mapping[str, Callable[[World, Need], bool]] = {
    "data action": _stubbed,
    "table": lambda world, need: need.name in world.things.tables,
    "decision table": lambda world, need: need.name in world.things.decision_tables,
    "common module": _module,
}


def missing_needs(world: World, flow: FlowRecord) -> list[str]:
    """List what the flow's published version mentions and the world lacks; a run that gets there fails by name."""
    program = flow.current.program if flow.current else None
    if program is None:
        return []
    return [
        " / ".join(part for part in (need.kind, need.group, need.name) if part)
        for need in program.needs()
        if need.kind in CHECKS and not CHECKS[need.kind](world, need)
    ]
