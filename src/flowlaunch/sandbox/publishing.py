"""Turn the text of a flow into a version of a flow record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.architect.load import load_flow
from flowlaunch.architect.schema import input_schema, output_schema
from flowlaunch.sandbox.identifiers import fixed_id
from flowlaunch.sandbox.world import Division, FlowRecord, FlowVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch.architect.flow import Flow
    from flowlaunch.sandbox.world import World

__all__ = ["accept_text", "add_version", "declare", "required_inputs"]

_REQUIRED = re.compile(r"\s*required\b", re.IGNORECASE)


def required_inputs(flow: Flow, named: Sequence[str] | None) -> tuple[str, ...]:
    """Say which inputs a launch should give.

    Our convention, as Architect has no such mark in public: the inputs that the world file names under
    `required` (bare or with their scope); without it, those whose description starts with "Required".
    """
    if named is None:
        return tuple(v.name for v in flow.inputs if _REQUIRED.match(v.description))
    wanted = {name.casefold() for name in named}
    return tuple(
        v.name for v in flow.inputs if v.name.casefold() in wanted or v.name.partition(".")[2].casefold() in wanted
    )


def add_version(
    record: FlowRecord, text: str, now: float, *, program: Flow | None = None, published: bool = True
) -> FlowVersion:
    """Append a version, published unless told otherwise, and make it the current one."""
    number = f"{len(record.versions) + 1}.0"
    version = FlowVersion(record, number, text, now, now if published else None, program)
    if program is not None:
        version.required = required_inputs(program, record.required)
        version.input_schema = _with_required(input_schema(program), version.required)
        version.output_schema = output_schema(program)
        version.input_names = frozenset(variable.name for variable in program.inputs)
    reference = {"id": number, "name": number, "selfUri": version.self_uri}
    version.launch_tail = b'","flowVersion":%s,"selfUri":"/api/v2/flows/executions/' % msgspec.json.encode(reference)
    record.versions.append(version)
    record.problem = None
    if published:
        record.current = version
    return version


def _with_required(schema: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    return {**schema, "required": list(required)}


def declare(world: World, program: Flow, *, origin: str, division: str | None = None) -> FlowRecord:
    """Find or make the record of a loaded flow: the same name, type and division are the same flow.

    A division that the world does not know is added to it.
    """
    wanted = division or program.division or world.home.name
    found = world.division(wanted)
    if found is None:
        found = world.divisions[fixed_id("division", wanted)] = Division(fixed_id("division", wanted), wanted)
    flow_type = program.type.upper()
    record = world.find_flow(program.name, flow_type, found)
    if record is None:
        flow_id = fixed_id("flow", flow_type, found.id, program.name)
        record = FlowRecord(flow_id, program.name, flow_type, found, origin=origin)
        world.flows[flow_id] = record
    record.is_deleted = False
    record.description = program.description or record.description
    return record


def accept_text(
    world: World, text: str, name: str, now: float, *, origin: str, division: str | None = None
) -> tuple[FlowRecord, bool]:
    """Load a flow's text and publish it as a new version, unless the current version has the same text.

    Returns the record and whether a version was added.

    Raises:
        FlowError: the text cannot be loaded; nothing changed.

    """
    program = load_flow(text, name=name, slots=world.slots, dialect=world.dialect)
    record = declare(world, program, origin=origin, division=division)
    if record.current is not None and record.current.text == text:
        record.problem = None
        return record, False
    add_version(record, text, now, program=program)
    return record, True
