"""Effects as requests for people, and endings of stubs as the answers that the interpreter takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect import effects as fx
from flowlaunch.architect.codec import json_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.architect.effects import Answer, Effect
    from flowlaunch.architect.stubs.model import Ending

__all__ = ["answer_of", "outputs_of", "request_of"]


def _failed(ending: Ending) -> fx.Failed:
    fields = ending.body if isinstance(ending.body, dict) else {}
    return fx.Failed(str(fields.get("errorType", "")), str(fields.get("errorMessage", "")))


def outputs_of(ending: Ending) -> dict[str, Any]:
    """Give an ending's outputs as a mapping."""
    return dict(ending.body) if isinstance(ending.body, dict) else {}


def _data_action(ending: Ending) -> Answer:
    if ending.path == "timeout":
        return fx.DataActionTimeout()
    if ending.path == "failure":
        return fx.DataActionFailure(outputs_of(ending))
    return fx.DataActionSuccess({} if ending.body is None else ending.body)


def _search(ending: Ending) -> Answer:
    if ending.path == "failure":
        return _failed(ending)
    return fx.Found({} if ending.body is None else ending.body) if ending.path == "found" else fx.NotFound()


def _module(ending: Ending) -> Answer:
    return fx.Found(ending.body) if ending.path == "found" else fx.NotFound()


def _deed(ending: Ending) -> Answer:
    return _failed(ending) if ending.path == "failure" else fx.Done(outputs_of(ending))


def _wait(ending: Ending) -> Answer:
    return _failed(ending) if ending.path == "failure" else None


def _schedule(ending: Ending) -> Answer:
    return _failed(ending) if ending.path == "failure" else fx.ScheduleState(ending.path)


def _perform(ending: Ending) -> Answer:
    return _deed(ending) if ending.path in {"success", "failure"} else fx.Taken(ending.path, outputs_of(ending))


_ANSWERS: Final[Mapping[type, Callable[[Ending], Answer]]] = {
    fx.CallDataAction: _data_action,
    fx.CallDecisionTable: _search,
    fx.EvaluateSchedule: _schedule,
    fx.FindModule: _module,
    fx.Lookup: _search,
    fx.Notify: _deed,
    fx.Perform: _perform,
    fx.ReadConversation: _search,
    fx.TableLookup: _search,
    fx.Wait: _wait,
    fx.WriteConversation: _deed,
}


def answer_of(effect: Effect, ending: Ending) -> Answer:
    """Turn an ending into the answer that an effect takes."""
    return _ANSWERS[type(effect)](ending)


_REQUESTS: Final[Mapping[type, tuple[str, Callable[[Any], str], Callable[[Any], dict[str, Any]]]]] = {
    fx.CallDataAction: ("data action", lambda one: one.action, lambda one: dict(one.inputs)),
    fx.CallDecisionTable: ("decision table", lambda one: one.table, lambda one: dict(one.inputs)),
    fx.EvaluateSchedule: ("schedule", lambda one: one.name, lambda one: {"kind": one.kind, "at": one.at}),
    fx.FindModule: ("common module", lambda one: one.name, lambda one: {"version": one.version}),
    fx.Lookup: ("lookup", lambda one: one.kind, lambda one: {one.by: one.key}),
    fx.Notify: (
        "notification",
        lambda one: one.kind,
        lambda one: {
            "subject": one.subject,
            "body": one.body,
            "users": [getattr(user, "name", user) for user in one.users],
            "sender": one.sender,
        },
    ),
    fx.Perform: ("action", lambda one: one.verb, lambda one: dict(one.inputs)),
    fx.ReadConversation: (
        "read attributes",
        lambda one: one.conversation_id or "",
        lambda one: {"participant": one.participant_id, "names": list(one.names)},
    ),
    fx.TableLookup: ("table", lambda one: one.table, lambda one: {"key": one.key}),
    fx.Wait: ("wait", lambda one: one.ref.name, lambda one: {"duration_s": one.duration_s}),
    fx.WriteConversation: (
        "write attributes",
        lambda one: one.conversation_id or "",
        lambda one: {"participant": one.participant_id, "attributes": dict(one.attributes)},
    ),
}
"""Effect -> what it asks for in words, its name, and what is sent as JSON."""


def request_of(effect: Effect) -> tuple[str, str, dict[str, Any]]:
    """Give kind, name and request of an effect."""
    kind, name, request = _REQUESTS[type(effect)]
    ready: dict[str, Any] = json_ready(request(effect))
    return kind, str(name(effect)), ready
