"""Comparing a run with what its case expects: one function for each field, each giving its mismatches."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.cases.model import Mismatch
from flowlaunch.architect.nodes import did_you_mean
from flowlaunch.architect.stubs.conditions import Condition, glob_holds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from flowlaunch.architect.cases.model import Expectation, StepWanted, WantedCall
    from flowlaunch.architect.stubs.places import Path
    from flowlaunch.architect.stubs.runner import Outcome
    from flowlaunch.architect.stubs.world import Call
    from flowlaunch.architect.trace import TraceEntry

    PlaceOf = Callable[[Path], str]

__all__ = ["compare", "shown"]

_ABSENT: Final = object()
_LONG_CHARS: Final = 60


def shown(value: Any) -> str:
    """Write a JSON value on one line."""
    return "nothing" if value is _ABSENT else json.dumps(value, ensure_ascii=False, default=str)


def compare(expect: Expectation, outcome: Outcome, place_of: PlaceOf) -> tuple[Mismatch, ...]:
    """Give every expectation that does not hold, in the order of the fields."""
    return tuple(
        Mismatch(place_of((*expect.at, *path)), what, wanted, found, diff)
        for check in _CHECKS
        for path, what, wanted, found, diff in check(expect, outcome)
    )


_Found = tuple["Path", str, str, str, tuple[str, ...]]


def _value(path: Path, what: str, condition: Condition, found: Any) -> Iterator[_Found]:
    """Compare one value; long texts and nested values get a line by line comparison."""
    if condition.holds(None if found is _ABSENT else found):
        return
    if condition.operator != "is":
        yield path, what, str(condition), shown(found), ()
        return
    wanted = condition.operand
    diff = _diff(wanted, found) if _is_long(wanted) and _is_long(found) else ()
    yield path, what, shown(wanted), shown(found), diff


def _is_long(value: Any) -> bool:
    return isinstance(value, dict | list | str) and len(shown(value)) > _LONG_CHARS


def _diff(wanted: Any, found: Any) -> tuple[str, ...]:
    return line_diff(_lines(wanted), _lines(found))


def line_diff(wanted: Sequence[str], found: Sequence[str]) -> tuple[str, ...]:
    """Compare lines: `-` expected and not found, `+` found and not expected."""
    lines = difflib.unified_diff(wanted, found, "expected", "found", lineterm="", n=2)
    return tuple(lines)[:200]


def _lines(value: Any) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return text.splitlines()


def _named(field: str, word: str, wanted: Mapping[str, Condition], found: Mapping[str, Any]) -> Iterator[_Found]:
    """Compare values by name; a name may lack its scope, and one that does not exist is a mistake of the case."""
    by_name = {name.lower(): name for name in found}
    by_name |= {name.partition(".")[2].lower(): name for name in found if "." in name}
    for name, condition in wanted.items():
        full = by_name.get(name.lower())
        if full is None and not condition.holds(None):
            bare = [] if "." in name else [known.partition(".")[2] for known in found]
            hint = did_you_mean(name, bare or list(found), "There are")
            yield (field, name), f"{word} {name}", str(condition), f"no {word} of that name. {hint}".rstrip(), ()
        elif full is not None:
            yield from _value((field, name), f"{word} {full}", condition, found[full])


def _status(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    if outcome.status != expect.status:
        yield ("status",), "status", expect.status, _ended(outcome), ()


def _ended(outcome: Outcome) -> str:
    error = outcome.error
    if error is None:
        reason = f", exit reason {outcome.exit_reason!r}" if outcome.exit_reason else ""
        return f"{outcome.status}{reason}"
    ref = error.ref
    where = f" at action `{ref.name}` ({outcome.flow.source.name}:{ref.line})" if ref is not None else ""
    return f"{outcome.status}{where}: {error.detail}"


def _outputs(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    if outcome.status == "COMPLETED" or expect.status == "FAILED":
        yield from _named("outputs", "output", expect.outputs, outcome.outputs)


def _variables(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    return _named("variables", "variable", expect.variables, outcome.variables)


def _exit_reason(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    if expect.exit_reason is not None:
        yield from _value(("exit_reason",), "exit reason", expect.exit_reason, outcome.exit_reason)


def _error(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    if expect.error is None or outcome.error is None:
        return
    error = outcome.error
    found = {"code": error.server_code, "message": error.detail, "action": error.ref.name if error.ref else None}
    for name, condition in expect.error.items():
        if name == "message" and condition.holds(error.message):
            continue
        yield from _value(("error", name), f"{name} of the error", condition, found[name])


def _is_step(wanted: StepWanted, entry: TraceEntry) -> bool:
    return glob_holds(wanted.name, entry.ref.name) and (wanted.path is None or wanted.path == _path_of(entry))


def _path_of(entry: TraceEntry) -> str:
    return entry.path or ""


def _taken(outcome: Outcome) -> list[str]:
    return [f"{e.ref.name}: {e.path}" if e.path else e.ref.name for e in outcome.trace.entries]


def _path(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    if expect.path is None:
        return
    entries = iter(outcome.trace.entries)
    for number, wanted in enumerate(expect.path):
        if not any(_is_step(wanted, entry) for entry in entries):
            before = f" after `{expect.path[number - 1]}`" if number else ""
            found = f"never{before}. It ran: {', '.join(_taken(outcome))[:600]}"
            yield ("path", number), f"step {number + 1} of the path", str(wanted), found, ()
            return


def _whole_path(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    if expect.whole_path is None:
        return
    entries = [entry for entry in outcome.trace.entries if entry.note != "common module ended"]
    same = len(entries) == len(expect.whole_path) and all(map(_is_step, expect.whole_path, entries))
    if not same:
        with_paths = {wanted.name for wanted in expect.whole_path if wanted.path is not None}
        taken = [f"{e.ref.name}: {e.path}" if e.ref.name in with_paths and e.path else e.ref.name for e in entries]
        diff = line_diff([str(wanted) for wanted in expect.whole_path], taken)
        yield ("whole_path",), "the whole path", f"{len(expect.whole_path)} actions", f"{len(entries)}", diff


def _avoids(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    for number, wanted in enumerate(expect.avoids):
        hit = next((entry for entry in outcome.trace.entries if _is_step(wanted, entry)), None)
        if hit is not None:
            yield ("avoids", number), f"`{wanted}`", "never", f"it ran (line {hit.ref.line} of the flow)", ()


def _calls(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    if expect.calls is None:
        return
    made = outcome.data_actions()
    if len(made) != len(expect.calls):
        diff = line_diff([call.action for call in expect.calls], [call.name for call in made])
        yield ("calls",), "data actions called", f"{len(expect.calls)}", f"{len(made)}", diff
    for number, (wanted, call) in enumerate(zip(expect.calls, made, strict=False)):
        yield from _call(("calls", number), wanted, call)


def _call(path: Path, wanted: WantedCall, call: Call) -> Iterator[_Found]:
    what = f"call {path[-1] + 1}" if isinstance(path[-1], int) else "call"
    if not glob_holds(wanted.action, call.name):
        yield (*path, "action"), f"{what}, action", shown(wanted.action), shown(call.name), ()
        return
    for name, condition in wanted.inputs.items():
        found = call.request.get(name, _ABSENT)
        yield from _value((*path, "inputs", name), f"{what} ({call.name}), input {name}", condition, found)
    if wanted.answer and wanted.answer != call.path:
        yield (*path, "answer"), f"{what} ({call.name}), answer", wanted.answer, call.path, ()


def _calls_include(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    made = iter(outcome.data_actions())
    for number, wanted in enumerate(expect.calls_include or ()):
        if not any(not list(_call(("calls_include", number), wanted, call)) for call in made):
            names = ", ".join(f"{call.name} {shown(dict(call.request))}" for call in outcome.data_actions())
            conditions = ", ".join(f"{name} {condition}" for name, condition in wanted.inputs.items())
            text = f"{wanted.action} with {conditions}" if conditions else wanted.action
            yield ("calls_include", number), "data action called", text, f"calls: {names or 'none'}", ()
            return


def _elapsed(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    if expect.elapsed_s is not None:
        yield from _value(("elapsed_s",), "seconds passed", expect.elapsed_s, outcome.elapsed_s)


def _notifications(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    if expect.notifications is None:
        return
    sent = [call.request for call in outcome.calls if call.kind == "notification"]
    if len(sent) != len(expect.notifications):
        yield ("notifications",), "notifications sent", f"{len(expect.notifications)}", f"{len(sent)}", ()
    for number, (wanted, found) in enumerate(zip(expect.notifications, sent, strict=False)):
        for name, condition in wanted.items():
            at = ("notifications", number, name)
            yield from _value(at, f"notification {number + 1}, {name}", condition, found.get(name))


def _attributes(expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    for conversation, wanted in expect.attributes.items():
        held: dict[str, str] = {}
        for (found, _), attributes in outcome.attributes.items():
            held |= attributes if found == conversation else {}
        for name, condition in wanted.items():
            at = ("attributes", conversation, name)
            yield from _value(at, f"attribute {name} of conversation {conversation!r}", condition, held.get(name))


def _contracts(_expect: Expectation, outcome: Outcome) -> Iterator[_Found]:
    for problem in outcome.problems:
        yield (), "contract", "what the data action's contract says", problem, ()


_CHECKS: Final[Iterable[Callable[[Any, Any], Iterator[_Found]]]] = (
    _status,
    _error,
    _exit_reason,
    _outputs,
    _variables,
    _path,
    _whole_path,
    _avoids,
    _calls,
    _calls_include,
    _elapsed,
    _notifications,
    _attributes,
    _contracts,
)
