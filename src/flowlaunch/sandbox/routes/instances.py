"""Execution data: finding runs afterwards. Off by default, as on the platform."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.sandbox.answers import BAD_JSON, Answer, Refusal, json_answer
from flowlaunch.sandbox.calls import Operation
from flowlaunch.sandbox.clock import iso
from flowlaunch.sandbox.paging import flag, whole_number
from flowlaunch.sandbox.permissions import INSTANCE_SEARCH, SETTINGS_VIEW, reaches
from flowlaunch.sandbox.service import LIST_BUDGET_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.sandbox.calls import Call
    from flowlaunch.sandbox.runs import Execution
    from flowlaunch.sandbox.service import Service

__all__ = ["BASE", "KEPT_S", "OPERATIONS", "check_switched_on"]

MAX_RESULTS = 200
KEPT_S = 10 * 86_400.0
TEXT_OPERATORS = ("eq", "not", "begins", "not_null")
DATE_OPERATORS = ("eq", "gt", "gte", "lt", "lte", "not_null")


def _ended(run: Execution) -> str | None:
    return None if run.status == "RUNNING" else iso(run.completed_at)


def _error_code(run: Execution) -> str | None:
    return str(msgspec.json.decode(run.error)["code"]) if run.error else None


KEYS: dict[str, tuple[str, str, Callable[[Execution], str | None]]] = {
    "FlowStartDateTime": ("dateTime", "When the flow started", lambda run: iso(run.launched_at)),
    "FlowEndDateTime": ("dateTime", "When the flow ended", _ended),
    "FlowType": ("string", "Type of the flow", lambda run: run.version.flow.type.lower()),
    "FlowId": ("guid", "Id of the flow", lambda run: run.version.flow.id),
    "FlowErrorReason": ("string", "Why the flow failed", _error_code),
}
"""Criteria that the sandbox can judge; the platform knows 22. Source: CriteriaItem.key of the official SDK."""
NEVER = frozenset(
    [
        "ConversationId",
        "WorkitemId",
        "FlowWarningReason",
        "FlowAlternateExecutionId",
        "FlowObjectExecutionId",
        "FlowActionId",
        "FlowActionType",
        "FlowActionOutputPathId",
        "FlowActionOutputPathName",
        "FlowActionIdOutputPathId",
        "FlowActionIdOutputPathName",
        "FlowActionTypeOutputPathId",
        "FlowActionTypeOutputPathName",
        "BotId",
        "BotErrorReason",
        "BotFlowExecutionId",
        "BotObjectExecutionId",
    ]
)


class Criterion(msgspec.Struct):
    """One CriteriaItem."""

    key: str
    operator: str = "eq"
    value: str | None = None


class Group(msgspec.Struct):
    """One CriteriaGroup; several parts of it are ANDed, like the groups themselves."""

    criteria: Criterion | None = None
    every: list[Criterion] = msgspec.field(name="and", default_factory=list)
    some: list[Criterion] = msgspec.field(name="or", default_factory=list)
    none: list[Criterion] = msgspec.field(name="not", default_factory=list)


class Query(msgspec.Struct):
    """A CriteriaQuery."""

    query: list[Group] = []


_decode = msgspec.json.Decoder(Query).decode


def check_switched_on(service: Service) -> None:
    """Refuse what needs execution data while it is off."""
    if not service.options.execution_data:
        raise Refusal(
            400,
            "bad.request",
            "Execution data is not enabled for this organization.",
        )


def query(service: Service, call: Call) -> Answer:
    """Answer `POST /api/v2/flows/instances/query`: at most 200 rows, newest first (guess: the order)."""
    check_switched_on(service)
    parameters = call.query()
    size = whole_number(parameters, "pageSize", 25, most=MAX_RESULTS)
    flag(parameters, "indexOnly")
    try:
        asked = _decode(call.body)
    except msgspec.ValidationError as error:
        raise Refusal(400, "bad.request", f"The query does not fit CriteriaQuery: {error}") from error
    except BAD_JSON as error:
        raise Refusal(400, "bad.request", f"The request body is not valid JSON: {error}") from error
    for group in asked.query:
        for item in _items(group):
            _check(item)
    service.runs.pump(call.now, LIST_BUDGET_S)
    rights = call.holder().rights
    rows = [
        run
        for run in reversed(service.runs.executions.values())
        if call.now - run.launched_at <= KEPT_S
        and reaches(rights, INSTANCE_SEARCH, run.version.flow.division.id)
        and all(_fits_group(group, run) for group in asked.query)
    ]
    shown = [_row(run) for run in rows[:size]]
    uri = f"{call.path}?pageSize={size}"
    return json_answer({"entities": shown, "pageSize": size, "pageNumber": 1, "total": min(len(rows), MAX_RESULTS),
                        "pageCount": 1, "selfUri": uri, "firstUri": uri, "lastUri": uri})  # fmt: skip


def _items(group: Group) -> list[Criterion]:
    return [*([group.criteria] if group.criteria else []), *group.every, *group.some, *group.none]


def _check(item: Criterion) -> None:
    if item.key not in KEYS and item.key not in NEVER:
        raise Refusal(400, "invalid.value", f"'{item.key}' is no criteria key.")
    kind = KEYS[item.key][0] if item.key in KEYS else "string"
    allowed = DATE_OPERATORS if kind == "dateTime" else TEXT_OPERATORS
    if item.operator not in allowed:
        raise Refusal(400, "invalid.value", f"'{item.operator}' does not apply to {item.key}.")
    if kind == "dateTime" and item.operator != "not_null":
        _instant(item.value or "")


def _instant(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, "invalid.date", f"'{text}' is no date-time.") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _fits_group(group: Group, run: Execution) -> bool:
    return (
        (group.criteria is None or _fits(group.criteria, run))
        and all(_fits(item, run) for item in group.every)
        and (not group.some or any(_fits(item, run) for item in group.some))
        and not any(_fits(item, run) for item in group.none)
    )


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda held, wanted: bool(held == wanted),
    "not": lambda held, wanted: bool(held != wanted),
    "begins": lambda held, wanted: str(held).startswith(str(wanted)),
    "gt": lambda held, wanted: bool(held > wanted),
    "gte": lambda held, wanted: bool(held >= wanted),
    "lt": lambda held, wanted: bool(held < wanted),
    "lte": lambda held, wanted: bool(held <= wanted),
}


def _fits(item: Criterion, run: Execution) -> bool:
    kind, _, read = KEYS.get(item.key, ("string", "", lambda _: None))
    held = read(run)
    if item.operator == "not_null":
        return held is not None
    if held is None:
        return item.operator == "not"
    if kind == "dateTime":
        return COMPARE[item.operator](_instant(held), _instant(item.value or ""))
    return COMPARE[item.operator](held, item.value or "")


def _row(run: Execution) -> dict[str, Any]:
    """Render a FlowExecutionDataQueryResult. That `id` equals the execution's id is likely, not known."""
    flow = run.version.flow
    row: dict[str, Any] = {
        "id": run.id,
        "name": flow.name,
        "startDateTime": iso(run.launched_at),
        "flowId": flow.id,
        "flowVersion": run.version.number,
        "flowType": flow.type.lower(),
        "flowName": flow.name,
    }
    if run.status != "RUNNING":
        row["endDateTime"] = iso(run.completed_at)
    if run.error:
        row["flowErrorReason"] = _error_code(run)
    return {**row, "selfUri": f"/api/v2/flows/instances/{run.id}"}


def capabilities(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/instances/querycapabilities`: the criteria that can be judged here."""
    del call
    check_switched_on(service)
    criteria = [
        {
            "criteriaKey": key,
            "dataType": kind,
            "description": text,
            "operators": list(DATE_OPERATORS if kind == "dateTime" else TEXT_OPERATORS),
        }
        for key, (kind, text, _) in KEYS.items()
    ]
    return json_answer({"criteria": criteria, "flowTypes": ["workflow"]})


def settings(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/instances/settings/executiondata`."""
    del call
    uri = "/api/v2/flows/instances/settings/executiondata"
    return json_answer({"enabled": service.options.execution_data, "selfUri": uri})


BASE = "/api/v2/flows/instances"
OPERATIONS = (
    Operation("instances.query", "POST", f"{BASE}/query", query, (INSTANCE_SEARCH,), writes=True, reads_body=True),
    Operation("instances.querycapabilities", "GET", f"{BASE}/querycapabilities", capabilities, (INSTANCE_SEARCH,)),
    Operation("instances.settings", "GET", f"{BASE}/settings/executiondata", settings, (SETTINGS_VIEW,)),
)
