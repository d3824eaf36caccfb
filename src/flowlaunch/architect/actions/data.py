"""updateData: set variables, one statement after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.flow import Spec
from flowlaunch.architect.nodes import table_of, text_of
from flowlaunch.architect.reader import ActionReader, Kind
from flowlaunch.architect.trace import SECURED, clip
from flowlaunch.architect.types import type_of_variable_key
from flowlaunch.errors import FlowNameError

if TYPE_CHECKING:
    from flowlaunch.architect.given import Given, Target
    from flowlaunch.architect.nodes import Node
    from flowlaunch.architect.program import Link, Step
    from flowlaunch.architect.run_state import Run

__all__ = ["KINDS", "UpdateData"]


@dataclass(frozen=True, slots=True)
class UpdateData(Spec):
    """Statements as (variable, value), run in order; a later one sees what an earlier one set."""

    statements: tuple[tuple[Target, Given], ...]

    def compile(self, at: Link) -> Step:
        """Make its step."""
        following = at.next
        moves = tuple(
            (target, target.key, given.evaluate, _mentions(target, given)) for target, given in self.statements
        )

        def update(run: Run) -> int:
            variables, host, secure = run.variables, run.host, run.program.secure
            changes = []
            for target, key, evaluate, mentioned in moves:
                value = variables[key] = evaluate(variables, host)
                changes.append((target.name, clip(value) if secure.isdisjoint(mentioned) else SECURED))
            run.note((), None, changes)
            return following

        return update


def _mentions(target: Target, given: Given) -> frozenset[str]:
    """Name the variables that a statement sets and reads, in lower case."""
    return frozenset((target.key, *(given.expression.variables if given.expression else ())))


def _parse(reader: ActionReader) -> UpdateData:
    items = reader.items(reader.fields.get("statements"), "statements")
    return UpdateData(tuple(_statement(reader, item, f"statement {index + 1}") for index, item in enumerate(items)))


def _statement(reader: ActionReader, node: Node, where: str) -> tuple[Target, Given]:
    key, body = table_of(node, reader.what(where)).only(reader.what(where))
    try:
        of = type_of_variable_key(key.value)
    except FlowNameError as error:
        raise FlowNameError(f"{reader.what(where)}: {error.message}", span=key.span, hint=error.hint) from error
    fields = table_of(body, reader.what(where), key.span)
    fields.refuse_others(("variable", "value", "comment"), reader.what(where))
    text_of(fields.get("comment"), reader.what(where), "")
    target = reader.variable(fields.get("variable"), where, of)
    return target, reader.given_in(fields.require("value", reader.what(where)), of, where)


KINDS: Final = {"updateData": Kind(_parse, ("statements",))}
