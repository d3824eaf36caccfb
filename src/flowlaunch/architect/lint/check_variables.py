"""Checks of variables: unused, unset, never read, NOT_SET where it must not be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlaunch.architect.lint.check_paths import named
from flowlaunch.architect.lint.finding import Hit
from flowlaunch.architect.lint.nullness import UNSET
from flowlaunch.architect.lint.repair import UNREAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.architect.flow import Action, ActionRef
    from flowlaunch.architect.lint.nullness import Violation
    from flowlaunch.architect.lint.subject import Declared, Subject

__all__ = ["inputs_assigned", "not_set", "outputs", "self_assignments", "uses"]


def _read_keys(subject: Subject) -> frozenset[str]:
    read = {name for _, given in subject.givens() if given.expression for name in given.expression.variables}
    for action in subject.actions:
        if action.key == "callTask":
            read |= {f"task.{name.lower().removeprefix('task.')}" for _, name in getattr(action.spec, "outputs", ())}
    return frozenset(read) | subject.elsewhere


def _written_keys(subject: Subject) -> frozenset[str]:
    written = {target.key for _, target in subject.writes()}
    for action in subject.actions:
        if action.key == "callTask":
            written |= {f"task.{name.lower().removeprefix('task.')}" for name, _ in getattr(action.spec, "inputs", ())}
    return frozenset(written) | subject.elsewhere


def uses(subject: Subject) -> Iterator[Hit]:
    """Find variables that nothing reads, or nothing sets."""
    read, written = _read_keys(subject), _written_keys(subject)
    for one in subject.declared():
        hit = _use(one, is_read=one.key in read, is_written=one.key in written)
        if hit is not None:
            yield hit


def _use(one: Declared, *, is_read: bool, is_written: bool) -> Hit | None:
    variable = one.variable
    fault: tuple[str, str, str] | None = None
    is_empty = variable.initial.is_nothing and variable.initial.span != UNREAD
    if variable.is_input:
        if not is_read and not variable.is_output:
            fault = ("FL203", "is never read", "Use it, or remove the input and tell those who launch the flow.")
    elif variable.is_output:
        if not is_written and is_empty:
            fault = ("FL204", "is never set", "Set it before the flow ends.")
    elif not is_read:
        fault = ("FL202", "is set and never read", "Remove it, or read it.")
        if not is_written:
            fault = ("FL201", "is never used", "Remove it.")
    elif not is_written and is_empty:
        what = "always empty" if variable.type.is_collection else "always NOT_SET"
        fault = ("FL209", f"is read, but nothing sets it: it is {what}", "Set it, or make it an input.")
    if fault is None:
        return None
    code, what, hint = fault
    kind = "input" if variable.is_input else "output" if variable.is_output else "variable"
    return Hit(code, f"{kind} {variable.name} {what}", hint, variable.span)


def outputs(subject: Subject) -> Iterator[Hit]:
    """Find outputs that are NOT_SET on some way to an end, although something sets them."""
    written = _written_keys(subject)
    for variable in subject.flow.outputs:
        key = variable.name.lower()
        if variable.is_input or variable.type.is_collection or key not in written:
            continue
        unset = [number for number, env in subject.solution.ends if env.get(key, 0) & UNSET]
        if not unset:
            continue
        ends = [action for number in unset if (action := subject.paths.points[number].action) is not None]
        shown = list(dict.fromkeys(f"{named(action)}{_line(action)}" for action in ends))
        where = ", ".join(shown[:3]) + (", ..." if len(shown) > 3 else "") if shown else "the end of its actions"
        message = f"output {variable.name} may still be NOT_SET when the flow ends at {where}"
        yield Hit("FL205", message, "Set it on every way, or give it an initial value.", variable.span)


def _line(action: Action) -> str:
    return f" (line {action.ref.line})" if action.ref.line else ""


def not_set(subject: Subject) -> Iterator[Hit]:
    """Find NOT_SET where it is not allowed: certain ones each, possible ones once a variable."""
    told: set[str] = set()
    for number, violation in subject.solution.violations:
        node = violation.node
        is_variable = node.key == "ref"
        if not violation.is_certain and is_variable and node.lookup in told:
            continue
        told.update([node.lookup] if is_variable and not violation.is_certain else [])
        yield _not_set(violation, f"`{node.written}`" if is_variable else "this", _ref(subject, number))
    for number, given, what, is_certain in subject.solution.unset:
        action = subject.paths.points[number].action
        span = given.span or (None if action is None else action.span)
        message = f"{what} {'is' if is_certain else 'may be'} NOT_SET, which likely ends the run"
        yield Hit("FL207", message, "Give it a value, or test it with IsSet first.", span, _ref(subject, number))


def _not_set(violation: Violation, what: str, ref: ActionRef | None) -> Hit:
    if violation.is_certain and violation.is_official:
        message = f"{what} is NOT_SET, which is not allowed {violation.where}"
        return Hit("FL206", message, "Set it first, or test it with IsSet.", violation.node.span, ref)
    if violation.is_certain:
        message = f"{what} is NOT_SET {violation.where}, which likely ends the run"
        return Hit("FL207", message, "Set it first, or test it with IsSet.", violation.node.span, ref)
    message = f"{what} may be NOT_SET, which is not allowed {violation.where}"
    hint = "Not every way here sets it. Test it with IsSet, or give it an initial value."
    return Hit("FL207", message, hint, violation.node.span, ref)


def _ref(subject: Subject, number: int) -> ActionRef | None:
    action = subject.paths.points[number].action
    return None if action is None else action.ref


def inputs_assigned(subject: Subject) -> Iterator[Hit]:
    """Find inputs that the flow sets itself."""
    inputs = {one.key: one.variable for one in subject.declared() if one.variable.is_input}
    told: set[str] = set()
    for action, target in subject.writes():
        variable = inputs.get(target.key)
        if variable is not None and target.key not in told and not variable.is_output:
            told.add(target.key)
            message = f"{named(action)} sets the input {variable.name}"
            yield Hit("FL208", message, "Use a variable of its own.", target.span or action.span, action.ref)


def self_assignments(subject: Subject) -> Iterator[Hit]:
    """Find statements that set a variable to itself."""
    for point in subject.paths.points:
        if point.action is None:
            continue
        for given, target in point.facts.steps:
            root = None if given.expression is None else given.expression.root
            if target is not None and root is not None and root.key == "ref" and root.lookup == target.key:
                message = f"{named(point.action)} sets {target.name} to itself"
                yield Hit("FL210", message, "Name the other variable that was meant.", given.span, point.action.ref)
