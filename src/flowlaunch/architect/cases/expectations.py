"""Reading the `expect` part of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.cases.model import Expectation, StepWanted, WantedCall
from flowlaunch.architect.stubs.conditions import Condition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.stubs.places import Path
    from flowlaunch.architect.stubs.reading import Reader

__all__ = ["CALL_FIELDS", "EXPECT_FIELDS", "read_expectation"]

EXPECT_FIELDS: Final = (
    "status", "outputs", "exit_reason", "error", "variables", "path", "whole_path", "avoids", "calls",
    "calls_include", "elapsed_s", "notifications", "attributes",
)  # fmt: skip
CALL_FIELDS: Final = ("action", "category", "inputs", "answer")
_ERROR_FIELDS: Final = ("code", "message", "action")
_NOTIFICATION_FIELDS: Final = ("subject", "body", "users", "sender")
_STATUSES: Final = ("COMPLETED", "FAILED")


def read_expectation(read: Reader, value: Any, at: Path) -> Expectation:
    """Read what a case expects; a case that expects nothing must complete."""
    given = read.fields(value, at, "expect", EXPECT_FIELDS)
    default = "FAILED" if given.get("error") is not None else "COMPLETED"
    return Expectation(
        at=at,
        status=read.choice(given.get("status", default), (*at, "status"), "status", _STATUSES),
        outputs=read.conditions(given.get("outputs"), (*at, "outputs"), "outputs"),
        exit_reason=_optional(read, given, "exit_reason", at),
        error=_error(read, given.get("error"), (*at, "error")),
        variables=read.conditions(given.get("variables"), (*at, "variables"), "variables"),
        path=_steps(read, given, "path", at),
        whole_path=_steps(read, given, "whole_path", at),
        avoids=_steps(read, given, "avoids", at) or (),
        calls=_calls(read, given, "calls", at),
        calls_include=_calls(read, given, "calls_include", at),
        elapsed_s=_optional(read, given, "elapsed_s", at),
        notifications=_notifications(read, given, (*at, "notifications")),
        attributes={
            conversation: read.conditions(item, (*at, "attributes", conversation), "attributes")
            for conversation, item in read.mapping(given.get("attributes"), (*at, "attributes"), "attributes").items()
        },
    )


def _optional(read: Reader, given: Mapping[str, Any], field: str, at: Path) -> Condition | None:
    return read.condition(given[field], (*at, field), field) if field in given else None


def _error(read: Reader, value: Any, at: Path) -> Mapping[str, Condition] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return {"message": Condition("contains", value)}
    return read.conditions(read.fields(value, at, "error", _ERROR_FIELDS), at, "error")


def _steps(read: Reader, given: Mapping[str, Any], field: str, at: Path) -> tuple[StepWanted, ...] | None:
    """Read `- Action name` and `- Action name: path`."""
    if given.get(field) is None:
        return None
    steps = []
    for number, item in enumerate(read.items(given[field], (*at, field), field)):
        place = (*at, field, number)
        if isinstance(item, dict):
            if len(item) != 1:
                raise read.refuse(place, f"a step of {field} must name one action", "Write `- Action name: path`.")
            ((name, path),) = item.items()
            # `no` and `yes` are paths of decisions, which YAML tools like to write without quotes
            steps.append(StepWanted(str(name), None if path is None else read.text(path, place, "the path")))
        else:
            steps.append(StepWanted(read.text(item, place, f"a step of {field}")))
    return tuple(steps)


def _calls(read: Reader, given: Mapping[str, Any], field: str, at: Path) -> tuple[WantedCall, ...] | None:
    if field not in given:
        return None
    calls = []
    for number, item in enumerate(read.items(given[field], (*at, field), field)):
        place = (*at, field, number)
        entry = {"action": item} if isinstance(item, str) else read.fields(item, place, "a call", CALL_FIELDS)
        calls.append(
            WantedCall(
                action=read.text(entry.get("action", "*"), place, "the action"),
                category=read.text(entry.get("category", "*"), place, "the category"),
                inputs=read.conditions(entry.get("inputs"), (*place, "inputs"), "inputs"),
                answer=read.text(entry.get("answer", ""), place, "the answer"),
            )
        )
    return tuple(calls)


def _notifications(read: Reader, given: Mapping[str, Any], at: Path) -> tuple[Mapping[str, Condition], ...] | None:
    if "notifications" not in given:
        return None
    return tuple(
        read.conditions(
            read.fields(item, (*at, number), "a notification", _NOTIFICATION_FIELDS), (*at, number), "a notification"
        )
        for number, item in enumerate(read.items(given["notifications"], at, "notifications"))
    )
