"""`flow inputs`, `flow convert` and `flow schema`: what stands in a flow file, in other forms."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from flowlaunch.cli.commands.flow_lint import read_slots, slot_options
from flowlaunch.cli.session import Session, command_options
from flowlaunch.cli.terminal import is_terminal
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch.architect.flow import Flow

__all__ = ["convert_command", "inputs_command", "schema_command", "write_text"]

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_SCHEMAS: Final = {"stubs": "stubs.schema.json", "cases": "cases.schema.json"}


@click.command("inputs")
@click.argument("file", type=_FILE)
@slot_options
@command_options(settings=False)
def inputs_command(session: Session, file: Path, *, pairs: Sequence[str], values: Path | None) -> None:
    """Show the JSON Schema of a flow's inputs and outputs.

    A terminal shows a table instead; -o json gives the schemas everywhere.
    """
    from flowlaunch.architect.schema import input_schema, output_schema  # noqa: PLC0415 - loads the flow language
    from flowlaunch.testing import load_flow_file  # noqa: PLC0415

    flow = load_flow_file(file, slots=read_slots(pairs, values))
    if session.output == "table" and not session.query and is_terminal(sys.stdout):
        session.emit(_rows(flow))
        return
    if session.output == "table":
        session.output = "json"
    if session.output == "csv":
        session.emit(_rows(flow))
        return
    session.emit({"flow": flow.name, "inputs": input_schema(flow), "outputs": output_schema(flow)})


def _rows(flow: Flow) -> list[dict[str, str]]:
    sides = [("input", one) for one in flow.inputs] + [("output", one) for one in flow.outputs]
    return [
        {"side": side, "name": one.name, "type": one.type.title, "description": one.description} for side, one in sides
    ]


@click.command("convert")
@click.argument("file", type=_FILE)
@click.option("-o", "--output", "target", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def convert_command(file: Path, *, target: Path | None, force: bool) -> None:
    """Write an Architect export as Archy YAML.

    Prints the YAML, or writes it to a file. The YAML runs as the export does; what an export holds for the
    editor alone, such as positions, is left out.
    """
    from flowlaunch.architect.convert import convert_export  # noqa: PLC0415 - loads the flow language

    text = convert_export(file.read_bytes(), name=str(file))
    write_text(text, target, force=force)


def write_text(text: str, target: Path | None, *, force: bool) -> None:
    """Write to a file, or to standard output without one.

    Raises:
        InputError: the file is there already, or cannot be written.

    """
    if target is None:
        click.echo(text, nl=False)
        return
    if target.exists() and not force:
        raise InputError(f"{target} is there already", hint="Give another name, or --force to replace it.")
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from error
    click.echo(f"wrote {target}", err=True)


@click.command("schema")
@click.argument("kind", type=click.Choice(tuple(_SCHEMAS)))
def schema_command(kind: str) -> None:
    """Print the JSON Schema of stub files or case files, for editors.

    With the YAML language server, put this line at the top of a file:
    `# yaml-language-server: $schema=stubs.schema.json`.
    """
    click.echo(files("flowlaunch.architect").joinpath("schemas", _SCHEMAS[kind]).read_text("utf-8"), nl=False)
