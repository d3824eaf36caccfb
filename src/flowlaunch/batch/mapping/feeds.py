"""What feeds each input: a column, an expression over the row, or a text; settled once, before any row."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch._core.suggest import folded, suggest
from flowlaunch.batch.decisions import RowWarning
from flowlaunch.batch.mapping.convert import Formats, converter
from flowlaunch.batch.mapping.spec import JMESPATH, MappingSpec
from flowlaunch.batch.mapping.template import PLACEHOLDERS, Template, parse_template
from flowlaunch.errors import PreflightError
from flowlaunch.models import FlowInputs, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PREFIX: Final = "Flow."


class PathError(ValueError):
    """A JMESPath expression that cannot be evaluated on a row."""


@dataclass(frozen=True, slots=True)
class Feed:
    """How one input gets its value.

    `column` is empty when no single column feeds it; `fetch` takes the cells and the placeholders' values.
    """

    input_name: str
    column: str
    is_required: bool
    fetch: Callable[[Mapping[str, Any], Mapping[str, str]], Any]
    convert: Callable[[Any, Formats], Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Every feed of a mapping, with what is worth a warning and the columns in use."""

    feeds: tuple[Feed, ...]
    warnings: tuple[RowWarning, ...]
    used: frozenset[str]


def plan_feeds(spec: MappingSpec, columns: Sequence[str], inputs: FlowInputs, *, is_open_ended: bool = False) -> Plan:
    """Settle what feeds each input; PreflightError names every slip at once."""
    return _Planner(spec, columns, inputs, is_open_ended=is_open_ended).plan()


class _Planner:
    def __init__(self, spec: MappingSpec, columns: Sequence[str], inputs: FlowInputs, *, is_open_ended: bool) -> None:
        self.is_open_ended = is_open_ended
        self.spec = spec
        self.columns = columns
        self.inputs = inputs
        self.names = {one.name: one for one in inputs.inputs}
        self.problems: list[Problem] = []
        self.warnings: list[RowWarning] = []
        self.used: set[str] = set()

    def plan(self) -> Plan:
        feeds = self._told()
        for name, one in self.names.items():
            if name not in feeds and self.spec.by_name:
                self._by_name(name, feeds, is_required=one.required)
            if name not in feeds and one.required:
                self._missing(name)
        self._note_stray_columns(feeds)
        if self.problems:
            many = f"{len(self.problems)} problems" if len(self.problems) > 1 else "a problem"
            raise PreflightError(
                f"map columns to the inputs of {self.inputs.flow_name}: {many}\n"
                + "\n".join(f"  {one}" for one in self.problems),
                problems=self.problems,
                hint="The columns are " + ", ".join(self.columns[:40]) + ".",
            )
        return Plan(tuple(feeds.values()), tuple(self.warnings), frozenset(self.used))

    def _told(self) -> dict[str, Feed]:
        feeds: dict[str, Feed] = {}
        for given, source in self.spec.map.items():
            name = self._input(given, "map")
            if name is not None:
                feeds[name] = (
                    self._expression(name, source) if source.startswith(JMESPATH) else self._cell(name, source)
                )
        for given, text in self.spec.set.items():
            name = self._input(given, "set")
            if name is not None and name in feeds:
                self._problem("unknown-key", name, f"{name} is both mapped and set", "keep one of the two")
            elif name is not None:
                feeds[name] = self._text(name, text)
        return feeds

    def _input(self, given: str, option: str) -> str | None:
        other = given.removeprefix(PREFIX) if given.startswith(PREFIX) else PREFIX + given
        name = next((one for one in (given, other) if one in self.names), None)
        if name is None and self.inputs.is_open:
            return given
        if name is None:
            meant = suggest(given, self.names)
            cure = f"did you mean {meant}?" if meant else f"its inputs are {', '.join(list(self.names)[:12])}"
            self._problem("unknown-key", given, f"{option} {given}: no input of this flow", cure)
        return name

    def _by_name(self, name: str, feeds: dict[str, Feed], *, is_required: bool) -> None:
        bare = name.removeprefix(PREFIX)
        spellings = tuple(dict.fromkeys((name, PREFIX + bare, bare)))
        exact = [column for column in spellings if column in self.columns]
        near = self._near(name)
        if len(exact) > 1:
            message = f"{name} could be fed by the columns {' and '.join(exact)}"
            self._problem("unknown-key", name, message, f"choose: map {name}={exact[0]}")
        if exact:
            feeds[name] = self._cell(name, exact[0])
        elif near is None and self.is_open_ended:
            feeds[name] = self._feed(name, bare, functools.partial(_first_of, spellings))
        elif near is not None and not is_required:
            message = f"{name} is not fed; did you mean column {near}? Then map {name}={near}"
            self.warnings.append(RowWarning("near-name", near, message))

    def _near(self, name: str) -> str | None:
        return next((column for column in self.columns if folded(column) == folded(name)), None)

    def _missing(self, name: str) -> None:
        near = self._near(name) or suggest(name, self.columns)
        cure = (
            f"did you mean column {near}? Then map {name}={near}" if near else f"map {name}=COLUMN or set {name}=TEXT"
        )
        self._problem("missing-input", name, f"{name} is required and no column feeds it", cure)

    def _cell(self, name: str, column: str) -> Feed:
        self._know(column, f"map {name}={column}")
        return self._feed(name, column, functools.partial(_cell_of, column))

    def _text(self, name: str, text: str) -> Feed:
        template = parse_template(text)
        self._know_all(template, f"set {name}={text}")
        columns = [one for one in template.names if one not in PLACEHOLDERS]
        return self._feed(name, columns[0] if len(columns) == 1 else "", template.fill)

    def _expression(self, name: str, source: str) -> Feed:
        import jmespath  # noqa: PLC0415 - needed for nested rows alone
        from jmespath.exceptions import JMESPathError  # noqa: PLC0415 - as above

        expression = source.removeprefix(JMESPATH).strip()
        try:
            search: Callable[[Any], Any] = jmespath.compile(expression).search
        except JMESPathError as error:
            reason = str(error).splitlines()[0]
            self._problem("unknown-key", name, f"map {name}={source}: {reason}", "mend the JMESPath expression")
            search = _nothing
        parsed = self.spec.values.json_columns
        for column in parsed:
            self._know(column, "json_columns")
        return self._feed(name, source, functools.partial(_found, search, JMESPathError, parsed))

    def _feed(self, name: str, column: str, fetch: Callable[..., Any]) -> Feed:
        declared = self.names.get(name)
        rules = self.inputs.schema.get("properties") or {}
        rule = rules.get(name, rules.get(name.removeprefix(PREFIX), rules.get(PREFIX + name)))
        if rule is None and declared is not None:
            rule = _rule_of(declared.type)
        return Feed(name, column, declared is not None and declared.required, fetch, converter(rule))

    def _know_all(self, template: Template, what: str) -> None:
        for name in template.names:
            if name not in PLACEHOLDERS:
                self._know(name, what)
            elif name in self.columns:
                message = f"{what}: {{{name}}} is the {name} of the row, not the column {name}"
                self.warnings.append(RowWarning("shadowed-name", name, message))

    def _know(self, column: str, what: str) -> None:
        self.used.add(column)
        if column not in self.columns:
            meant = suggest(column, self.columns)
            cure = f"did you mean {meant}?" if meant else f"the columns are {', '.join(self.columns[:12])}"
            self._problem("unknown-key", column, f"{what}: there is no column {column!r}", cure)

    def _note_stray_columns(self, feeds: Mapping[str, Feed]) -> None:
        """Take a column that says `Flow.` and names no input for a slip."""
        for column in self.columns:
            is_fed = column in feeds or column in self.used or not self.spec.by_name
            if column.startswith(PREFIX) and not is_fed and column.removeprefix(PREFIX) not in self.names:
                meant = suggest(column, self.names)
                cure = f"did you mean {meant}? Then map {meant}={column}" if meant else "rename the column"
                self._problem("unknown-key", column, f"column {column}: no input of this flow", cure)

    def _problem(self, kind: str, key: str, message: str, cure: str) -> None:
        self.problems.append(Problem(kind=kind, key=key, message=message, cure=cure))


def _rule_of(type_text: str) -> dict[str, Any]:
    """Return the property that a type's name stands for, when a flow's inputs came without their schema."""
    if type_text.startswith("array of "):
        return {"type": "array", "items": _rule_of(type_text.removeprefix("array of "))}
    return {"type": type_text.split(" or ")} if type_text not in {"", "any"} else {}


def _cell_of(column: str, cells: Mapping[str, Any], _facts: Mapping[str, str]) -> Any:
    return cells.get(column)


def _first_of(columns: Sequence[str], cells: Mapping[str, Any], _facts: Mapping[str, str]) -> Any:
    return next((cells[column] for column in columns if column in cells), None)


def _nothing(_cells: Any) -> None:
    return None


def _found(
    search: Callable[[Any], Any],
    failed: type[Exception],
    parsed: Sequence[str],
    cells: Mapping[str, Any],
    _facts: Mapping[str, str],
) -> Any:
    try:
        if parsed:
            cells = {**cells, **{name: json.loads(cells[name]) for name in parsed if isinstance(cells.get(name), str)}}
        return search(cells)
    except (failed, ValueError, TypeError) as error:
        raise PathError(str(error).splitlines()[0]) from error
