"""decision and switch: choose an output path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.flow import Spec
from flowlaunch.architect.nodes import Node, Table, Text, did_you_mean, table_of
from flowlaunch.architect.reader import ActionReader, Kind
from flowlaunch.architect.run_state import UNEXPECTED_NULL
from flowlaunch.architect.types import BLN, Type, type_of_variable_key
from flowlaunch.architect.values import NOT_SET, equal
from flowlaunch.errors import FlowNameError, FlowRuntimeError, FlowSyntaxError

if TYPE_CHECKING:
    from flowlaunch.architect.given import Given
    from flowlaunch.architect.program import Link, Step
    from flowlaunch.architect.run_state import Run

__all__ = ["KINDS", "Decision", "FirstMatch", "FirstTrue"]

MAX_CASES: Final = 64
DEFAULT: Final = "default"


def unset(given: Given, what: str) -> FlowRuntimeError:
    """Make the error for a field that is NOT_SET and may not be."""
    return FlowRuntimeError(f"{what} is NOT_SET", span=given.span, server_code=UNEXPECTED_NULL)


@dataclass(frozen=True, slots=True)
class Decision(Spec):
    """A condition with the paths `yes` and `no`."""

    condition: Given

    def compile(self, at: Link) -> Step:
        """Make its step."""
        given, evaluate = self.condition, self.condition.evaluate
        yes, no = at.path("yes"), at.path("no")
        chosen_yes, chosen_no = ((("condition", True),), "yes"), ((("condition", False),), "no")

        def decide(run: Run) -> int:
            value = evaluate(run.variables, run.host)
            if value is True:
                run.note(*chosen_yes)
                return yes
            if value is NOT_SET and run.rules.unset_condition == "error":
                raise unset(given, f'the condition of decision "{at.action.name}"')
            run.note(*chosen_no)
            return no

        return decide


@dataclass(frozen=True, slots=True)
class FirstMatch(Spec):
    """Compare one value with the cases; paths are `1`, `2`, ... and `default`."""

    value: Given
    cases: tuple[Given, ...]

    def compile(self, at: Link) -> Step:
        """Make its step."""
        value = self.value
        cases = tuple((str(n), given, at.path(str(n))) for n, given in enumerate(self.cases, 1))
        otherwise = at.path(DEFAULT)

        def choose(run: Run) -> int:
            wanted = run.value_of(value)
            inputs = (("value", run.shown(value, wanted)),)
            for path, case, following in cases:
                if equal(wanted, run.value_of(case)):
                    run.note(inputs, path)
                    return following
            run.note(inputs, DEFAULT)
            return otherwise

        return choose


@dataclass(frozen=True, slots=True)
class FirstTrue(Spec):
    """Take the first case that is true; paths are `1`, `2`, ... and `default`."""

    cases: tuple[Given, ...]

    def compile(self, at: Link) -> Step:
        """Make its step."""
        cases = tuple((str(n), given, at.path(str(n))) for n, given in enumerate(self.cases, 1))
        otherwise = at.path(DEFAULT)

        def choose(run: Run) -> int:
            for path, case, following in cases:
                value = run.value_of(case)
                if value is True:
                    run.note((), path)
                    return following
                if value is NOT_SET and run.rules.unset_case == "error":
                    raise unset(case, f'case {path} of switch "{at.action.name}"')
            run.note((), DEFAULT)
            return otherwise

        return choose


def _parse_decision(reader: ActionReader) -> Decision:
    return Decision(reader.given("condition", BLN, required=True))


def _parse_switch(reader: ActionReader) -> FirstMatch | FirstTrue:
    mode, body = reader.table("evaluate").only(reader.what("evaluate"))
    fields = table_of(body, reader.what(mode.value), mode.span)
    if mode.value == "firstTrue":
        fields.refuse_others(("cases", DEFAULT), reader.what("firstTrue"))
        return FirstTrue(_cases(reader, fields, BLN))
    if mode.value != "firstMatch":
        raise FlowNameError(
            f"{reader.what('evaluate')} has no form `{mode.value[:80]}`",
            span=mode.span,
            hint=did_you_mean(mode.value, ("firstMatch", "firstTrue"), "Write one of"),
        )
    key, body = fields.only(reader.what("firstMatch"))
    try:
        of = type_of_variable_key(key.value)
    except FlowNameError as error:
        raise FlowNameError(f"{reader.what('evaluate')}: {error.message}", span=key.span, hint=error.hint) from error
    fields = table_of(body, reader.what(key.value), key.span)
    fields.refuse_others(("value", "cases", DEFAULT), reader.what("firstMatch"))
    value = reader.given_in(fields.require("value", reader.what("firstMatch")), of, "value")
    return FirstMatch(value, _cases(reader, fields, of))


def _cases(reader: ActionReader, fields: Table, of: Type) -> tuple[Given, ...]:
    items = reader.items(fields.get("cases"), "cases")
    if len(items) > MAX_CASES:
        raise FlowSyntaxError(
            f"{reader.what()} has {len(items)} cases; the limit is {MAX_CASES}",
            span=items[MAX_CASES].span,
            hint="Chain a second switch in the default path.",
        )
    cases = tuple(_case(reader, item, of, str(number)) for number, item in enumerate(items, 1))
    default = fields.get(DEFAULT)
    if isinstance(default, Table):
        default.refuse_others(("actions",), reader.what(DEFAULT))
        reader.inner(default.get("actions"), DEFAULT)
    return cases


def _case(reader: ActionReader, node: Node, of: Type, number: str) -> Given:
    where = f"case {number}"
    key, body = table_of(node, reader.what(where)).only(reader.what(where))
    if key.value != "case":
        raise FlowSyntaxError(f"{reader.what(where)} must be `case:`", span=key.span, hint="Write `- case:`.")
    fields = table_of(body, reader.what(where), key.span)
    fields.refuse_others(("value", "actions", "name"), reader.what(where))
    actions = fields.get("actions")
    if not (isinstance(actions, Text) and actions.is_empty):
        reader.inner(actions, number)
    return reader.given_in(fields.require("value", reader.what(where)), of, where)


_SWITCH_PATHS: Final = (*(str(number) for number in range(1, MAX_CASES + 1)), DEFAULT)
KINDS: Final = {
    "decision": Kind(_parse_decision, ("condition",), ("yes", "no")),
    "switch": Kind(_parse_switch, ("evaluate",), _SWITCH_PATHS),
}
