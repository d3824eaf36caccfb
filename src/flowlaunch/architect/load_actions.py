"""From nodes to actions: kinds, fields, output paths, and what lenient loading lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.architect.actions.perform import Skipped
from flowlaunch.architect.actions.table import ACTIONS, NOT_EMULATED
from flowlaunch.architect.flow import Action, ActionRef, Spec
from flowlaunch.architect.nodes import Node, Table, Text, did_you_mean, listing_of, table_of, text_of
from flowlaunch.architect.reader import ActionReader, Kind, Notes
from flowlaunch.errors import FlowError, FlowNameError, FlowSyntaxError, FlowUnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.architect.scope import VariableScope
    from flowlaunch.architect.source import Span

__all__ = ["ActionParser"]

_PATH_SPELLINGS: Final = {"true": "yes", "false": "no", "True": "yes", "False": "no"}
_MAX_PROBLEMS: Final = 1000
_MAX_NAME_CHARS: Final = 200


class ActionParser:
    """Parses the actions of one flow and numbers them in the order of the text."""

    def __init__(self, flow: str, line_of: Callable[[Span], int], notes: Notes, *, lenient: bool) -> None:
        self.flow = flow
        self.line_of = line_of
        self.notes = notes
        self.lenient = lenient
        self.count = 0

    def parse(self, node: Node | None, scope: VariableScope, kind: str, name: str) -> tuple[Action, ...]:
        """Parse the actions of one state or task."""
        return _Level(self, scope, kind, name, (), in_loop=False).actions(node, "actions")

    def let_through(self, error: FlowError) -> None:
        """Keep a problem that lenient loading lets through; strict loading ends here."""
        if not self.lenient:
            raise error
        self.notes.problems.append(error)
        if len(self.notes.problems) > _MAX_PROBLEMS:
            raise FlowSyntaxError(f"the flow has over {_MAX_PROBLEMS:,} unknown things; the last: {error.message}")

    def next_number(self) -> int:
        """Give the next action its number."""
        self.count += 1
        return self.count - 1


class _Level:
    """A list of actions: where it stands, and whether a loop is around it."""

    def __init__(
        self,
        parser: ActionParser,
        scope: VariableScope,
        container: str,
        name: str,
        path: tuple[str, ...],
        *,
        in_loop: bool,
    ) -> None:
        self.parser = parser
        self.scope = scope
        self.container = container
        self.container_name = name
        self.path = path
        self.in_loop = in_loop

    def actions(self, node: Node | None, what: str) -> tuple[Action, ...]:
        return tuple(self.action(item, str(index)) for index, item in enumerate(listing_of(node, what)))

    def action(self, node: Node, index: str) -> Action:
        key, body = table_of(node, "an action").only("an action")
        fields = (
            Table((), key.span) if isinstance(body, Text) and body.is_empty else table_of(body, key.value, key.span)
        )
        name = text_of(fields.get("name"), f"the name of {key.value}", key.value)
        if len(name) > _MAX_NAME_CHARS:
            raise FlowSyntaxError(
                f"an action's name has {len(name)} characters; the limit is {_MAX_NAME_CHARS}",
                span=fields.span,
            )
        path = (*self.path, index)
        ref = ActionRef(
            flow=self.parser.flow,
            container=self.container,
            container_name=self.container_name,
            path=path,
            key=key.value,
            name=name,
            number=self.parser.next_number(),
            line=self.parser.line_of(key.span),
        )
        paths: dict[str, tuple[Action, ...]] = {}
        spec = self._spec(key, name, fields, path, paths)
        return Action(ref, spec, paths, key.span)

    def _spec(
        self, key: Text, name: str, fields: Table, path: tuple[str, ...], paths: dict[str, tuple[Action, ...]]
    ) -> Spec:
        inside = self.in_loop or key.value == "loop"

        def inner(node: Node | None, out: str) -> tuple[Action, ...]:
            level = _Level(self.parser, self.scope, self.container, self.container_name, (*path, out), in_loop=inside)
            paths[out] = level.actions(node, f"actions of path {out}")
            return paths[out]

        kind = ACTIONS.get(key.value)
        try:
            if kind is None:
                raise _unknown_action(key)
            fields.refuse_others(("name", "outputs", *kind.fields), f'{key.value} "{name}"')
            reader = ActionReader(
                key.value,
                name,
                fields,
                self.scope,
                self.parser.notes,
                inner,
                paths,
                self.in_loop,
                self.container,
            )
            spec = kind.parse(reader)
        except (FlowNameError, FlowUnsupportedError) as error:
            self.parser.let_through(error)
            paths.clear()
            return Skipped(error.message)
        self._outputs(kind, key, name, fields, inner)
        return spec

    def _outputs(
        self, kind: Kind, key: Text, name: str, fields: Table, inner: Callable[[Node | None, str], object]
    ) -> None:
        node = fields.get("outputs")
        if node is None or (isinstance(node, Text) and node.is_empty):
            return
        what = f'{key.value} "{name}", outputs'
        for path, body in table_of(node, what):
            out = _PATH_SPELLINGS.get(path.value, path.value) if key.value == "decision" else path.value
            if out not in kind.paths and kind.paths != ("*",):
                hint = did_you_mean(out, kind.paths, "Paths") or "This action has no paths."
                problem = FlowNameError(f"{what}: there is no path `{path.value[:80]}`", span=path.span, hint=hint)
                self.parser.let_through(problem)
                continue
            if isinstance(body, Text) and body.is_empty:
                continue
            table = table_of(body, what, path.span)
            table.refuse_others(("actions", "name", "enabled"), f"{what}, path {path.value[:80]}")
            inner(table.get("actions"), out)


def _unknown_action(key: Text) -> FlowNameError | FlowUnsupportedError:
    if key.value in NOT_EMULATED:
        return FlowUnsupportedError(
            f"action `{key.value}` is not emulated",
            span=key.span,
            hint="Load the flow leniently to run it with this action left out.",
        )
    return FlowNameError(
        f"there is no action `{key.value[:80]}`",
        span=key.span,
        hint=did_you_mean(key.value, (*ACTIONS, *NOT_EMULATED), "Known actions"),
    )
