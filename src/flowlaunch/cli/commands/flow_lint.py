"""`flow lint`: find mistakes in flow files."""

from __future__ import annotations

import functools
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.session import Session
from flowlaunch.cli.terminal import may_colour, printable
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from flowlaunch.architect.lint import Contract, Finding, Report

__all__ = ["flow_files", "lint_command", "read_slots", "slot_options"]

_COLOURS: Final = {"error": "red", "warning": "yellow", "info": "blue"}
_SUFFIXES: Final = (".yaml", ".yml", ".tftpl", ".i3workflow", ".i3commonmoduleflow")
_FLOW_START: Final = re.compile(
    r"""^["']?(workflow|commonModule|bot|digitalBot|(inbound|inQueue|outbound)[A-Z]\w+|secureCall|surveyInvite|"""
    r"""voice|voicemail|voiceSurvey|workitem)["']?[ \t]*:""",
    re.MULTILINE,
)
_MAX_FILE_BYTES: Final = 6_000_000


def slot_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that fill the slots of flow files."""
    for option in (
        click.option(
            "--values",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="YAML or JSON file with values for slots: name: value.",
        ),
        click.option(
            "--set", "pairs", multiple=True, metavar="SLOT=VALUE", help="Fill {{SLOT}} or ${SLOT}. Repeatable."
        ),
    ):
        function = option(function)
    return function


def read_slots(pairs: Sequence[str], values: Path | None) -> dict[str, str]:
    """Tell the values of slots; single ones overrule those of the file.

    Raises:
        InputError: the file holds no mapping of names to plain values.
        click.UsageError: a pair has no `=`.

    """
    slots = {} if values is None else _from_file(values)
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--set {pair!r} lacks its `=`: write --set name=value")
        slots[name.strip()] = value
    return slots


def _from_file(path: Path) -> dict[str, str]:
    import yaml  # noqa: PLC0415 - only for those who give a file

    try:
        document = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - builds texts only
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        raise InputError(f"{path} must be a mapping of slots to plain values", hint="Write `name: value` lines.")
    return {str(name): value for name, value in document.items()}


def flow_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Give the files meant: a folder stands for the flow files in it, at any depth; other YAML files are left out.

    Raises:
        click.UsageError: a folder holds none.

    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(one for one in path.rglob("*") if one.suffix.lower() in _SUFFIXES and _is_flow(one))
        if not found:
            raise click.UsageError(f"there are no flow files in {path} ({', '.join(_SUFFIXES)})")
        yield from found


def _is_flow(path: Path) -> bool:
    """Tell whether a file of a folder begins as flows do; exports are known by their ending."""
    if not path.is_file():
        return False
    if path.suffix.lower().startswith(".i3"):
        return True
    with path.open("rb") as file:
        return _FLOW_START.search(file.read(4096).decode("utf-8", errors="replace")) is not None


def read_flow_file(path: Path) -> bytes:
    """Read a file, or standard input for `-`.

    Raises:
        InputError: it cannot be read.

    """
    if str(path) == "-":
        return sys.stdin.buffer.read(_MAX_FILE_BYTES)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


@click.command("lint")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
@click.option("--select", metavar="CODES", multiple=True, help="Only these rules: FL119, FL1 for a group, or a name.")
@click.option("--ignore", metavar="CODES", multiple=True, help="Leave these rules out.")
@click.option("--strict", is_flag=True, help="Warnings count as errors for the exit code.")
@click.option(
    "--contracts",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of exported data actions (JSON) to check calls against.",
)
@slot_options
@click.option(
    "-o",
    "--output",
    type=click.Choice(("table", "json", "jsonl", "csv", "sarif")),
    default="table",
    show_default=True,
    help="Format of the findings on standard output.",
)
@click.option("--query", metavar="JMESPATH", help="Show only what this JMESPath expression selects.")
@click.option("-q", "--quiet", is_flag=True, help="Print findings and errors only.")
def lint_command(
    files: tuple[Path, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    contracts: Path | None,
    *,
    strict: bool,
    pairs: tuple[str, ...],
    values: Path | None,
    output: str,
    query: str | None,
    quiet: bool,
) -> int:
    """Find mistakes in flow files.

    FILE is Archy YAML, an Architect export, a folder of them, or - for standard input. Slots without a value
    are noted and filled with a placeholder, so that the rest is checked. Ends with 1 when there are errors, or, with
    --strict, warnings. A comment `# flowlaunch: ignore FL119` on a line or above it sets a finding aside.
    """
    from flowlaunch.architect.lint import lint_text  # noqa: PLC0415 - loads the flow language

    session = Session(output="json" if output == "sarif" else output, query=query, quiet=quiet)
    slots, known = read_slots(pairs, values), _contracts(contracts)
    chosen, left_out = _codes(select, "--select"), _codes(ignore, "--ignore")
    texts = [(_name(path), read_flow_file(path)) for path in flow_files(files)]
    read = functools.partial(lint_text, slots=slots, contracts=known, ignore=left_out)
    read = functools.partial(read, select=chosen if select else None)
    reports = [read(text, name=name) for name, text in texts]
    modules = [one.flow for one in reports if one.flow is not None and one.flow.type == "commonModule"]
    if modules and len(reports) > 1:  # now that the modules are known, look at their calls too
        reports = [read(text, name=name, modules=modules) for name, text in texts]
    _show(session, reports, output)
    session.talk(_summary(reports))
    return 1 if any(report.fails(strict=strict) for report in reports) else 0


def _name(path: Path) -> str:
    return "standard input" if str(path) == "-" else str(path)


def _codes(words: Sequence[str], option: str) -> frozenset[str]:
    from flowlaunch.architect.lint.ignores import matches  # noqa: PLC0415

    codes, unknown = matches(code for word in words for code in word.replace(",", " ").split())
    if unknown:
        raise click.BadParameter(
            f"there is no rule {unknown[0]!r}; write FL119, FL1 or a rule's name", param_hint=option
        )
    return codes


def _contracts(folder: Path | None) -> list[Contract]:
    import msgspec  # noqa: PLC0415

    from flowlaunch.architect.lint import read_contract  # noqa: PLC0415

    found = []
    for path in sorted(folder.rglob("*.json")) if folder else ():
        try:
            document = msgspec.json.decode(path.read_bytes())
        except (msgspec.DecodeError, OSError, RecursionError) as error:
            raise InputError(f"{path} is not JSON: {error}", hint="Keep only exported data actions there.") from error
        found.append(read_contract(document, str(path)))
    return found


def _show(session: Session, reports: Sequence[Report], output: str) -> None:
    findings = [one for report in reports for one in report.findings]
    if output == "sarif":
        from flowlaunch._version import __version__  # noqa: PLC0415
        from flowlaunch.architect.lint import sarif_log  # noqa: PLC0415

        session.emit(sarif_log(reports, version=__version__))
    elif output == "table" and not session.query:
        told: set[tuple[str, str]] = set()
        for one in findings:
            click.echo("\n".join(_lines(one, with_hint=(one.code, one.hint) not in told)))
            told.add((one.code, one.hint))
    else:
        session.emit([one.as_json() for one in findings])


def _lines(one: Finding, *, with_hint: bool) -> Iterator[str]:
    label = f"{one.severity}[{one.code}]"
    if may_colour(sys.stdout):
        label = click.style(label, fg=_COLOURS[one.severity], bold=True)
    yield f"{printable(one.place, keep='')}: {label} {printable(one.message, keep='')}"
    if one.location.excerpt:
        yield f"    {printable(one.location.excerpt, keep='')}"
        yield f"    {one.location.caret}"
    if one.hint and with_hint:
        yield f"    hint: {printable(one.hint, keep='')}"


def _summary(reports: Sequence[Report]) -> str:
    counts = [
        (sum(report.count("error") for report in reports), "error"),
        (sum(report.count("warning") for report in reports), "warning"),
        (sum(report.count("info") for report in reports), "note"),
    ]
    parts = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts]
    ignored = sum(len(report.ignored) for report in reports)
    tail = f", {ignored} set aside by comments" if ignored else ""
    files = "1 file" if len(reports) == 1 else f"{len(reports)} files"
    return f"{files}: {', '.join(parts)}{tail}"
