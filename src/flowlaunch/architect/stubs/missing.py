"""The error for an action that no stub answers: it shows the stanza to add."""

from __future__ import annotations

from difflib import get_close_matches
from textwrap import indent
from typing import TYPE_CHECKING, Any

from flowlaunch.architect import effects as fx
from flowlaunch.architect.stubs.answers import request_of
from flowlaunch.architect.stubs.samples import as_yaml, stanza
from flowlaunch.errors import FlowStubError

if TYPE_CHECKING:
    from flowlaunch.architect.effects import Effect
    from flowlaunch.architect.flow import Action
    from flowlaunch.architect.stubs.model import Stubs

__all__ = ["missing_stub", "spent_stub"]


def missing_stub(effect: Effect, action: Action | None, stubs: Stubs) -> FlowStubError:
    """Make the error for an effect without a stub."""
    kind, name, request = request_of(effect)
    what = f"{kind} `{name}`" + (f" of `{effect.category}`" if isinstance(effect, fx.CallDataAction) else "")
    sent = f" for {_shown(request)}" if request and not isinstance(effect, fx.FindModule) else ""
    hint = "Add this to the stub file:\n" + indent(as_yaml(_wanted(effect, action)).rstrip(), "    ")
    return FlowStubError(
        f"no stub answers the {what}{sent}, which action `{effect.ref.name}` ({effect.ref.place}) asks for"
        + _near(effect, stubs),
        span=None if action is None else action.span,
        hint=hint,
    )


def spent_stub(effect: Effect, place: str, used: int, action: Action | None) -> FlowStubError:
    """Make the error for a sequence that is used up and says `after: error`."""
    return FlowStubError(
        f"the sequence of answers at {place} has {used}, and action `{effect.ref.name}` asks once more",
        span=None if action is None else action.span,
        hint="Add an answer to its `sequence`, or write `after: last` or `after: cycle`.",
    )


def _wanted(effect: Effect, action: Action | None) -> dict[str, Any]:
    wanted = stanza(action) if action is not None else {}
    if isinstance(effect, fx.CallDataAction):
        entry: dict[str, Any] = {"category": effect.category, "action": effect.action}
        given: dict[str, Any] = next(iter(wanted.get("data_actions", [])), {})
        inputs = {"inputs": dict(effect.inputs)} if effect.inputs else {}
        return {"data_actions": [{**entry, **inputs, "outputs": given.get("outputs", {})}]}
    if isinstance(effect, fx.TableLookup):
        rows = wanted.get("tables", {}).get(effect.table, {}).get("rows", [{}])
        return {"tables": {effect.table: {"key": "key", "rows": [{**rows[0], "key": effect.key}]}}}
    if isinstance(effect, fx.EvaluateSchedule):
        return {"schedules": {effect.name: "active" if effect.kind == "schedule" else "open"}}
    if isinstance(effect, fx.ReadConversation):
        entry = {"id": effect.conversation_id, "attributes": dict.fromkeys(effect.names, "text")}
        return {"conversations": [{key: value for key, value in entry.items() if value is not None}]}
    if isinstance(effect, fx.Lookup) and isinstance(effect.key, str):
        for rows in wanted.values():
            for row in rows if isinstance(rows, list) else rows.get(effect.kind, []):
                row[effect.by if effect.by in row else "name"] = effect.key
    return wanted


def _near(effect: Effect, stubs: Stubs) -> str:
    """Say which stubs are close: of the same action with other inputs, or of a name much like it."""
    if isinstance(effect, fx.CallDataAction):
        same = [stub for stub in stubs.data_actions if stub.names(effect.category, effect.action)]
        if same:
            places = ", ".join(stub.place for stub in same[:3])
            return f"; the stubs of this action want other inputs ({places})"
        return _meant(effect.action, [stub.action for stub in stubs.data_actions])
    if isinstance(effect, fx.TableLookup):
        return _meant(effect.table, list(stubs.tables))
    return _meant(effect.name, list(stubs.schedules)) if isinstance(effect, fx.EvaluateSchedule) else ""


def _meant(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.7)
    return f"; there is one for `{close[0]}`" if close else ""


def _shown(request: dict[str, Any], limit: int = 200) -> str:
    text = ", ".join(f"{name}={value!r}" for name, value in request.items())
    return text if len(text) <= limit else f"{text[:limit]}..."
