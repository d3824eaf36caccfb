"""`flow graph`: draw a flow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.commands.flow_lint import read_flow_file, read_slots, slot_options
from flowlaunch.cli.session import Session
from flowlaunch.errors import FlowNameError, FlowTypeError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.architect.coverage import FlowCoverage
    from flowlaunch.architect.drawing import Overlay
    from flowlaunch.architect.flow import Flow

__all__ = ["draw_coverage", "graph_command"]

_FORMATS: Final = ("mermaid", "dot", "svg", "html")
_FORMAT_OF_SUFFIX: Final[Mapping[str, str]] = {
    ".html": "html",
    ".htm": "html",
    ".svg": "svg",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
}
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("graph")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="Form of the drawing; by default by the ending of --output, else mermaid.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write, else standard output.")
@click.option("--coverage", type=_FILE, help="Show how often each action and path ran: JSON of `flow cover -o json`.")
@click.option("--run", "trace", type=_FILE, help="Show one run with its values: JSON of `flow run --trace -o json`.")
@slot_options
@click.option("--lenient", is_flag=True, help="Draw unknown actions too, as not emulated.")
@click.option("-q", "--quiet", is_flag=True, help="Print the drawing and errors only.")
def graph_command(
    file: Path,
    *,
    form: str | None,
    output: Path | None,
    coverage: Path | None,
    trace: Path | None,
    pairs: tuple[str, ...],
    values: Path | None,
    lenient: bool,
    quiet: bool,
) -> None:
    """Draw a flow.

    FILE is Archy YAML, an Architect export, or - for standard input. svg and html are one file each,
    without scripts, light or dark as the reader's system is; mermaid and dot are text for other programs. Slots
    without a value keep their name.
    """
    if coverage is not None and trace is not None:
        raise click.UsageError("give --coverage or --run, not both")
    session = Session(quiet=quiet)
    flow = _load(session, file, read_slots(pairs, values), lenient=lenient)
    chosen = form or _FORMAT_OF_SUFFIX.get(output.suffix.lower() if output else "", "mermaid")
    text = _drawn(flow, chosen, _overlay(flow, coverage, trace))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}") from error
    session.talk(f"drew {flow.name} into {output}")


def draw_coverage(report: FlowCoverage, suffix: str) -> str:
    """Draw a flow with what runs took of it, in the form that a file's ending asks for; HTML when it asks for none."""
    from flowlaunch.architect.drawing import overlay_of_coverage  # noqa: PLC0415 - loads the drawing

    overlay = overlay_of_coverage(report.as_json(), report.flow)
    return _drawn(report.flow, _FORMAT_OF_SUFFIX.get(suffix.lower(), "html"), overlay)


def _load(session: Session, file: Path, slots: Mapping[str, str], *, lenient: bool) -> Flow:
    from flowlaunch.architect.load import load_flow, read_text  # noqa: PLC0415 - loads the flow language
    from flowlaunch.architect.templates import slot_names  # noqa: PLC0415

    name = "standard input" if str(file) == "-" else str(file)
    text = read_text(read_flow_file(file), name)
    unfilled = {slot: slot for slot in slot_names(text) if slot not in slots}
    filled = {**unfilled, **slots}
    try:
        flow = load_flow(text, name=name, slots=filled, lenient=lenient)
    except (FlowNameError, FlowTypeError):
        if not unfilled or lenient:
            raise
        flow = load_flow(text, name=name, slots=filled, lenient=True)  # a name may only be wrong for want of a value
    if unfilled:
        session.talk(f"slots without a value keep their name: {', '.join(unfilled)}")
    for problem in flow.problems:
        session.talk(f"not emulated: {problem.message}")
    return flow


def _overlay(flow: Flow, coverage: Path | None, trace: Path | None) -> Overlay | None:
    from flowlaunch.architect.drawing import overlay_of_coverage, overlay_of_trace  # noqa: PLC0415

    if coverage is not None:
        return overlay_of_coverage(_json(coverage), flow)
    return None if trace is None else overlay_of_trace(_json(trace), flow)


def _json(path: Path) -> Any:
    import msgspec  # noqa: PLC0415

    try:
        return msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, OSError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}", hint="Write it with -o json.") from error


def _drawn(flow: Flow, form: str, overlay: Overlay | None) -> str:
    from flowlaunch.architect import drawing  # noqa: PLC0415

    draw: Mapping[str, Callable[[Flow, Overlay | None], str]] = {
        "mermaid": drawing.mermaid_of,
        "dot": drawing.dot_of,
        "svg": drawing.svg_of,
        "html": drawing.html_of,
    }
    return draw[form](flow, overlay)
