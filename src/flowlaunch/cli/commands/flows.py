"""`flows`: look at the flows that can be launched."""

from __future__ import annotations

import click
import msgspec

from flowlaunch.cli.session import Session, command_options, early_options

__all__ = ["flows_command"]

_COLUMNS = {
    "id": "id",
    "name": "name",
    "type": "type",
    "published_version.name": "published",
    "division.name": "division",
}
_SCHEMAS = ("input_schema", "output_schema")


@click.group("flows")
@early_options
def flows_command() -> None:
    """Look at the flows that can be launched."""


@flows_command.command("list")
@click.option("--name", metavar="TEXT", help="Only flows whose name the platform matches with TEXT.")
@click.option("--type", "flow_type", default="workflow", show_default=True, help="Type of flow; `any` for all.")
@click.option("--division", "division_id", metavar="ID", help="Only flows of this division.")
@command_options()
def list_command(session: Session, name: str | None, flow_type: str, division_id: str | None) -> None:
    """List flows.

    Pages are read as they are needed: `-o jsonl` prints the first flows before the last are read.
    """
    wanted = None if flow_type == "any" else flow_type
    with session.client() as client:
        session.emit(client.flows(name=name, type=wanted, division_id=division_id), _COLUMNS)


@flows_command.command("show")
@click.argument("flow", required=False)
@command_options()
def show_command(session: Session, flow: str | None) -> None:
    """Show one flow, FLOW being an id or an exact name, with its schemas."""
    with session.client() as client:
        found = msgspec.to_builtins(client.find_flow(session.flow_or_setting(flow)))
    if session.output == "table" and not session.query:
        found = {name: value for name, value in found.items() if name not in _SCHEMAS}
        session.talk("-o json shows the input and output schemas too")
    session.emit(found)


@flows_command.command("inputs")
@click.argument("flow", required=False)
@click.option("--version", "version", metavar="V", help="Flow version; the published one by default.")
@command_options()
def inputs_command(session: Session, flow: str | None, version: str | None) -> None:
    """List the inputs of FLOW as a launch spells them."""
    with session.client() as client:
        found = client.flow_inputs(session.flow_or_setting(flow), version=version)
    shown = f" version {found.version.name or found.version.id}" if found.version else ""
    session.talk(f"{found.flow_name}{shown} takes {len(found.inputs) or 'no'} inputs")
    session.emit(list(found.inputs))
    if found.is_open:
        session.talk("other keys are taken too")
