"""`flow eval`: evaluate one expression, or a session of them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.failures import text_of
from flowlaunch.cli.inputs import read_inputs
from flowlaunch.cli.session import Session, command_options
from flowlaunch.cli.terminal import is_terminal
from flowlaunch.errors import FlowError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowlaunch.architect.expressions import Evaluation

__all__ = ["eval_command"]

_HELP: Final = """An expression shows its value and type. Flow.x = EXPRESSION sets a variable.
:type EXPRESSION   its type alone         :ast EXPRESSION   its typed tree
:vars              variables set so far   :quit             leave (or Ctrl-D)"""


@click.command(
    "eval",
    epilog="Examples: flowlaunch flow eval 'Flow.a + 1' --set Flow.a:=41; flowlaunch flow eval "
    "'IsSet(Flow.b)' --declare Flow.b=stringCollection",
)
@click.argument("expression", required=False)
@click.option("--set", "pairs", multiple=True, metavar="V=X", help="A variable: name=text, or name:=JSON. Repeatable.")
@click.option(
    "--declare",
    "declared",
    multiple=True,
    metavar="V=TYPE",
    help="A variable's type; NOT_SET without --set. Repeatable.",
)
@click.option("--want", metavar="TYPE", help="Convert the result to this type, as a field of a flow would.")
@click.option("--now", "moment", metavar="TIME", help="What GetCurrentDateTimeUtc() gives, ISO 8601; by default now.")
@click.option("--type", "only_type", is_flag=True, help="Check only, and print the type.")
@click.option("--ast", "is_tree", is_flag=True, help="Print the typed syntax tree as JSON.")
@command_options(settings=False)
def eval_command(
    session: Session,
    expression: str | None,
    *,
    pairs: Sequence[str],
    declared: Sequence[str],
    want: str | None,
    moment: str | None,
    only_type: bool,
    is_tree: bool,
) -> None:
    """Evaluate one expression, or a session of them.

    Prints value, type and the text as Architect writes it. Without EXPRESSION, expressions are read line by line
    from the keyboard or standard input.
    """
    desk = _Desk(read_inputs(pairs, None), _types(declared), want, moment)
    show = _show_type if only_type else _show_tree if is_tree else _show_value
    if expression is not None:
        show(session, desk, expression)
    else:
        _read_lines(session, desk, show)


def _types(declared: Sequence[str]) -> dict[str, str]:
    types = {}
    for pair in declared:
        name, equals, of = pair.partition("=")
        if not equals or not name or not of:
            raise click.UsageError(f"--declare {pair!r} lacks its `=`: write --declare Flow.x=string")
        types[name.strip()] = of.strip()
    return types


class _Desk:
    """The variables of a session, and the way to evaluate over them."""

    def __init__(self, values: dict[str, Any], types: dict[str, str], want: str | None, moment: str | None) -> None:
        self.values = values
        self.types = types
        self.want = want
        self.moment = moment

    def evaluate(self, text: str) -> Evaluation:
        """Evaluate an expression; raises FlowError."""
        from flowlaunch.architect.expressions import evaluate_text  # noqa: PLC0415 - loads the flow language
        from flowlaunch.architect.iso import parse_date_time  # noqa: PLC0415
        from flowlaunch.architect.standalone import StillHost  # noqa: PLC0415

        now = parse_date_time(self.moment) if self.moment else datetime.now(UTC)
        return evaluate_text(text, self.values, types=self.types, want=self.want, host=StillHost(moment=now))

    def check(self, text: str) -> Any:
        """Compile an expression without evaluating it; raises FlowError."""
        from flowlaunch.architect.expressions import compile_expression  # noqa: PLC0415
        from flowlaunch.architect.standalone import read_type, read_variables  # noqa: PLC0415

        scope, _ = read_variables(self.values, self.types)
        return compile_expression(text, scope, None if self.want is None else read_type(self.want))

    def set(self, name: str, text: str) -> Evaluation:
        """Set a variable to the value of an expression."""
        found = self.evaluate(text)
        known = {one.lower(): one for one in (*self.values, *self.types)}
        name = known.get(name.lower(), name)
        self.values[name] = found.to_json()
        self.types[name] = found.type.code
        return found


def _show_value(session: Session, desk: _Desk, text: str) -> None:
    _emit(session, desk.evaluate(text))


def _emit(session: Session, found: Evaluation) -> None:
    from flowlaunch.architect.cases.trace_text import value_text  # noqa: PLC0415
    from flowlaunch.architect.values import NOT_SET  # noqa: PLC0415

    is_set = found.value is not NOT_SET
    if session.output == "table" and not session.query:
        shown = _whole(found) if is_set else value_text(found.value)
        session.emit({"value": shown, "type": found.type.title, "written": found.expression.canonical})
    else:
        session.emit(
            {
                "value": found.to_json(),
                "is_set": is_set,
                "type": found.type.code,
                "canonical": found.expression.canonical,
            }
        )


def _whole(found: Evaluation) -> str:
    import json  # noqa: PLC0415 - only to show values

    return json.dumps(found.to_json(), ensure_ascii=False)


def _show_type(session: Session, desk: _Desk, text: str) -> None:
    of = desk.check(text).type
    session.emit(of.title if session.output == "table" else {"type": of.code, "title": of.title})


def _show_tree(session: Session, desk: _Desk, text: str) -> None:
    tree = desk.check(text).tree()
    shown = Session(output="json" if session.output == "table" else session.output, query=session.query)
    shown.emit(tree)


# -- a session of expressions ------------------------------------------------------------------------------------


def _read_lines(session: Session, desk: _Desk, show: Callable[[Session, _Desk, str], None]) -> None:
    is_person = is_terminal(sys.stdin)
    if is_person:
        import readline  # noqa: F401, PLC0415 - gives the prompt its history

        session.talk("Expressions of Architect; :help tells more, Ctrl-D leaves.")
    failed = False
    while True:
        try:
            line = input("> " if is_person else "").strip()
        except EOFError:
            break
        if line in {":quit", ":q"}:
            break
        if not line or line.startswith("#"):
            continue
        try:
            _take(session, desk, show, line)
        except FlowError as error:
            failed = True
            click.echo(f"{text_of(error)}", err=True)
    if failed and not is_person:
        raise click.exceptions.Exit(1)


def _take(session: Session, desk: _Desk, show: Callable[[Session, _Desk, str], None], line: str) -> None:
    """Do what one line says."""
    word, _, rest = line.partition(" ")
    if word == ":help":
        session.talk(_HELP)
    elif word == ":vars":
        session.emit(desk.values)
    elif word == ":type":
        _show_type(session, desk, rest)
    elif word == ":ast":
        _show_tree(session, desk, rest)
    elif word.startswith(":"):
        session.talk(f"there is no {word}; :help lists what there is")
    else:
        name, text = _assignment(line)
        if name:
            _emit(session, desk.set(name, text))
        else:
            show(session, desk, line)


def _assignment(line: str) -> tuple[str, str]:
    """Split `Flow.x = EXPRESSION`; the language itself has no single `=`."""
    import re  # noqa: PLC0415 - only in a session

    match = re.fullmatch(r"\s*([A-Za-z_][\w.]*)\s*=(?!=)\s*(.+)", line)
    return (match[1], match[2]) if match else ("", line)
