"""Aggregate counts of executions: how many runs of which flow started when, and nothing more.

Source: POST /api/v2/analytics/flowexecutions/aggregates/query, its models in the official Python SDK 269.0.0.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from flowlaunch.sandbox.answers import BAD_JSON, Answer, Refusal, json_answer
from flowlaunch.sandbox.calls import Operation
from flowlaunch.sandbox.clock import iso
from flowlaunch.sandbox.permissions import AGGREGATE_VIEW, reaches
from flowlaunch.sandbox.service import LIST_BUDGET_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.sandbox.calls import Call
    from flowlaunch.sandbox.runs import Execution
    from flowlaunch.sandbox.service import Service

__all__ = ["OPERATIONS"]

METRIC = "nFlowExecutions"
MAX_BUCKETS = 10_000
PERIOD = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
PERIOD_UNITS_S = (86_400, 3_600, 60, 1)
Group = tuple[tuple[str, str], ...]

DIMENSIONS: dict[str, Callable[[Execution], str | None]] = {
    "divisionId": lambda run: str(run.version.flow.division.id),
    "flowId": lambda run: str(run.version.flow.id),
    "flowObjectId": lambda _: None,
    "flowVersion": lambda run: str(run.version.number),
}
"""The published dimensions; no run of the sandbox has a `flowObjectId`."""


class Predicate(msgspec.Struct):
    """One FlowExecutionAggregateQueryPredicate on a dimension."""

    dimension: str | None = None
    operator: Literal["matches", "exists", "notExists"] = "matches"
    value: str | None = None
    type: str = "dimension"


class Clause(msgspec.Struct):
    """One FlowExecutionAggregateQueryClause: predicates joined by `type`."""

    type: Literal["and", "or"]
    predicates: list[Predicate] = []


class Filter(msgspec.Struct):
    """A FlowExecutionAggregateQueryFilter: clauses and predicates joined by `type`."""

    type: Literal["and", "or"]
    clauses: list[Clause] = []
    predicates: list[Predicate] = []


class Query(msgspec.Struct, rename="camel"):
    """The parts of a FlowExecutionAggregationQuery that are judged here."""

    interval: str
    metrics: list[str]
    granularity: str | None = None
    group_by: list[str] = []
    filter: Filter | None = None


_decode = msgspec.json.Decoder(Query).decode


def query(service: Service, call: Call) -> Answer:
    """Answer `POST /api/v2/analytics/flowexecutions/aggregates/query`.

    Runs are counted where they started (guess), in a half-open interval (guess), and only once they are
    `aggregate_delay_s` old (guess: analytics are not immediate). A group without runs is left out.
    """
    try:
        asked = _decode(call.body)
    except msgspec.ValidationError as error:
        raise Refusal(400, "bad.request", f"The body does not fit FlowExecutionAggregationQuery: {error}") from error
    except BAD_JSON as error:
        raise Refusal(400, "bad.request", f"The request body is not valid JSON: {error}") from error
    from_s, until_s = _checked(asked)
    step_s = _period_s(asked.granularity, from_s, until_s)
    youngest_s = call.now - service.options.aggregate_delay_s
    service.runs.pump(call.now, LIST_BUDGET_S)
    rights = call.holder().rights
    counted: dict[Group, Counter[int]] = {}
    for run in service.runs.executions.values():
        is_seen = from_s <= run.launched_at < until_s and run.launched_at <= youngest_s
        if is_seen and reaches(rights, AGGREGATE_VIEW, run.version.flow.division.id) and _fits(asked.filter, run):
            told = ((name, DIMENSIONS[name](run)) for name in asked.group_by)
            group = tuple((name, value) for name, value in told if value is not None)
            counted.setdefault(group, Counter())[int((run.launched_at - from_s) // step_s)] += 1
    results = [
        {"group": dict(group), "data": _data(counts, from_s, until_s, step_s)} for group, counts in counted.items()
    ]
    return json_answer({"results": results})


def _data(counts: Counter[int], from_s: float, until_s: float, step_s: float) -> list[dict[str, Any]]:
    return [
        {
            "interval": f"{iso(from_s + bucket * step_s)}/{iso(min(until_s, from_s + (bucket + 1) * step_s))}",
            "metrics": [{"metric": METRIC, "stats": {"count": count}}],
        }
        for bucket, count in sorted(counts.items())
    ]


def _checked(asked: Query) -> tuple[float, float]:
    """Return the interval in seconds since 1970; refuse what the published names do not allow."""
    if asked.metrics != [METRIC]:
        raise Refusal(400, "bad.request", f"metrics must be ['{METRIC}'], not {asked.metrics}.")
    named = [*asked.group_by, *(one.dimension for one in _predicates(asked.filter))]
    wrong = [name for name in named if name not in DIMENSIONS]
    if wrong:
        raise Refusal(400, "bad.request", f"'{wrong[0]}' is no dimension of this query.")
    first, _slash, last = asked.interval.partition("/")
    from_s, until_s = _instant(first), _instant(last)
    if from_s >= until_s:
        raise Refusal(400, "bad.request", f"The interval '{asked.interval}' does not end after its beginning.")
    return from_s, until_s


def _instant(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, "bad.request", f"'{text}' is no date-time of an interval.") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _period_s(text: str | None, from_s: float, until_s: float) -> float:
    """Return the length of a bucket; the whole interval is one when no granularity is asked for."""
    if text is None:
        return until_s - from_s
    found = PERIOD.fullmatch(text)
    parts = zip(found.groups(), PERIOD_UNITS_S, strict=True) if found else ()
    length_s = sum(int(number or 0) * unit_s for number, unit_s in parts)
    if not length_s or (until_s - from_s) / length_s > MAX_BUCKETS:
        raise Refusal(400, "bad.request", f"The granularity '{text}' does not fit the interval.")
    return float(length_s)


def _predicates(wanted: Filter | None) -> list[Predicate]:
    if wanted is None:
        return []
    return [*wanted.predicates, *(one for clause in wanted.clauses for one in clause.predicates)]


def _fits(wanted: Filter | None, run: Execution) -> bool:
    if wanted is None:
        return True
    parts = [_holds(one, run) for one in wanted.predicates]
    parts += [_joined(clause.type, [_holds(one, run) for one in clause.predicates]) for clause in wanted.clauses]
    return _joined(wanted.type, parts)


def _joined(how: str, parts: list[bool]) -> bool:
    return all(parts) if how == "and" else any(parts)


def _holds(one: Predicate, run: Execution) -> bool:
    held = DIMENSIONS[one.dimension or ""](run)
    if one.operator == "matches":
        return held is not None and held == one.value
    return (held is not None) == (one.operator == "exists")


OPERATIONS = (
    Operation(
        "aggregates.query",
        "POST",
        "/api/v2/analytics/flowexecutions/aggregates/query",
        query,
        (AGGREGATE_VIEW,),
        writes=True,
        reads_body=True,
    ),
)
