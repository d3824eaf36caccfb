"""`flow run`: run a flow file offline and show what came of it."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from flowlaunch.cli.commands.flow_lint import read_slots, slot_options
from flowlaunch.cli.exits import Exit
from flowlaunch.cli.inputs import read_inputs, typed_hint
from flowlaunch.cli.session import Session, command_options
from flowlaunch.cli.terminal import may_colour, printable
from flowlaunch.errors import FlowStubError, FlowTypeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flowlaunch.architect.stubs import Outcome
    from flowlaunch.architect.trace import Trace, TraceEntry

__all__ = ["run_command"]

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "run",
    epilog="Example: flowlaunch flow run order.yaml -i customerName=Jane -i amount:=12.5 --stubs stubs.yaml --trace",
)
@click.argument("file", type=_FILE)
@click.option("-i", "given", multiple=True, metavar="K=V", help="One input: name=text, or name:=JSON. Repeatable.")
@click.option("--input", "document", metavar="@FILE", help="JSON object with inputs: @file.json, or - for stdin.")
@click.option("--stubs", multiple=True, type=_FILE, help="Stub file; the first given are asked first. Repeatable.")
@click.option(
    "--contracts",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Exported data action, or a folder of them, to check calls and stubs against. Repeatable.",
)
@click.option("--lenient", is_flag=True, help="Leave unknown actions and functions out instead of refusing the flow.")
@click.option("--real-time", is_flag=True, help="Let waits take their time; without it they pass at once.")
@click.option("--trace", "is_traced", is_flag=True, help="Show every action with what it read, chose and set.")
@slot_options
@command_options(settings=False)
@click.pass_context
def run_command(
    ctx: click.Context,
    session: Session,
    file: Path,
    *,
    given: Sequence[str],
    document: str | None,
    stubs: Sequence[Path],
    contracts: Sequence[Path],
    lenient: bool,
    real_time: bool,
    is_traced: bool,
    pairs: Sequence[str],
    values: Path | None,
) -> None:
    """Run a flow file offline and show its result.

    FILE is Archy YAML or an Architect export. What it asks of the world comes from the stub files. Exit code 3
    says that the flow failed, 1 that it could not be run.
    """
    from flowlaunch import testing  # noqa: PLC0415 - loads the flow language

    slots = read_slots(pairs, values)
    inputs = read_inputs(given, document)
    flow = testing.load_flow_file(file, slots=slots, lenient=lenient)
    for problem in flow.problems:
        session.talk(f"left out: {problem}")
    try:
        outcome = testing.run_flow(
            flow,
            inputs,
            stubs=tuple(stubs),
            modules=testing.load_modules(flow, file.parent, slots=slots, lenient=lenient),
            contracts=testing.load_contracts(contracts) if contracts else None,
            now=datetime.now(UTC),
            pause=time.sleep if real_time else None,
        )
    except FlowStubError as error:
        if is_traced and error.trace is not None:
            _show_trace(error.trace)
        raise
    except FlowTypeError as error:
        raise _with_typed_hint(error, given) from error
    _show(session, outcome, is_traced=is_traced)
    ctx.exit(Exit.OK if outcome.status == "COMPLETED" else Exit.FLOW_FAILED)


def _with_typed_hint(error: FlowTypeError, given: Sequence[str]) -> FlowTypeError:
    """Say how to write a number on the command line where text was given for one."""
    name = error.message.partition(" must be")[0].removeprefix("input ")
    for key in (name, name.partition(".")[2]):
        hint = typed_hint(given, key)
        if hint:
            return FlowTypeError(error.message, span=error.span, hint=f"{hint[0].upper()}{hint[1:]}.")
    return error


def _show(session: Session, outcome: Outcome, *, is_traced: bool) -> None:
    if session.output == "table" and not session.query:
        if is_traced:
            _show_trace(outcome.trace)
        shown = {"status": outcome.status, "exit_reason": outcome.exit_reason, **dict(outcome.outputs)}
        session.emit(shown)
        session.talk(f"{outcome.result.actions:,} actions, {outcome.elapsed_s:g} s of the flow's time")
    else:
        session.emit(outcome.as_json(trace=is_traced))
    for problem in outcome.problems:
        session.talk(f"contract: {problem}")
    if outcome.error is not None:
        session.talk(_failure(outcome))


def _failure(outcome: Outcome) -> str:
    """Say where and why the run failed."""
    error = outcome.error
    assert error is not None  # noqa: S101 - asked for failed runs only
    lines = [f"error[execution-failed] {outcome.flow.name} failed: {error.detail}"]
    if error.ref is not None:
        flow = outcome.flows.get(error.ref.flow, outcome.flow)
        place = f"{flow.source.name}:{error.ref.line}" if error.ref.line else flow.source.name
        lines.append(f'  {place}: {error.ref.key} "{error.ref.name}" ({error.ref.place})')
    if error.params.get("expression"):
        position = error.params.get("pos", "0")
        lines += [f"  {error.params['expression']}", f"  {' ' * int(position)}^"]
    lines.append(f"  code: {error.server_code}")
    return "\n".join(lines)


# -- the trace as a tree -----------------------------------------------------------------------------------------


def _show_trace(trace: Trace) -> None:
    colours = may_colour(sys.stdout)
    for text, colour in _tree(trace):
        line = printable(text)
        click.echo(click.style(line, fg=colour) if colours and colour else line)
    click.echo()


def _tree(trace: Trace) -> Iterator[tuple[str, str]]:
    """Give the lines of the tree, each with its colour: containers, actions under their paths, what they set."""
    start = trace.entries[0].started_at if trace.entries else None
    container = ("", "", -1)
    for entry in trace.entries:
        here = (entry.ref.flow, entry.ref.container_name, entry.depth)
        if here != container:
            container = here
            where = f" of {entry.ref.flow}" if entry.depth else ""
            yield f"{'  ' * entry.depth}{entry.ref.container} {entry.ref.container_name}{where}", "blue"
        seconds = 0.0 if start is None else (entry.started_at - start).total_seconds()
        yield from _entry_lines(entry, seconds)
    if trace.left_out:
        yield f"... {trace.left_out:,} more actions", "yellow"


def _entry_lines(entry: TraceEntry, seconds: float) -> Iterable[tuple[str, str]]:
    from flowlaunch.architect.cases.trace_text import entry_head, entry_inputs, value_text  # noqa: PLC0415

    indent = "  " * (entry.depth + 1 + len(entry.ref.path) // 2)
    inputs = entry_inputs(entry)
    head = entry_head(entry) + (f"  ({inputs})" if inputs else "")
    yield f"{f'+{seconds:g}s':>9} {indent}{head}", "red" if entry.error else ""
    for name, value in entry.changes:
        yield f"{'':>9} {indent}  {name} = {value_text(value)}", "green"
    for text, colour in ((entry.error, "red"), (entry.note, "yellow")):
        if text:
            yield f"{'':>9} {indent}  {text}", colour
