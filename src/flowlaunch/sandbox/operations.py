"""Every operation of the emulated API, and how a request finds its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlaunch.sandbox import guide
from flowlaunch.sandbox.answers import Answer, Refusal
from flowlaunch.sandbox.calls import Operation
from flowlaunch.sandbox.routes import aggregates, executions, flows, histories, instances, organization, tokens

if TYPE_CHECKING:
    from flowlaunch.sandbox.calls import Call
    from flowlaunch.sandbox.service import Service

__all__ = ["Table", "operation_names", "operations_of"]

COMMON = (
    *tokens.OPERATIONS,
    *flows.OPERATIONS,
    *organization.OPERATIONS,
    *instances.OPERATIONS,
    *histories.OPERATIONS,
    *aggregates.OPERATIONS,
)
OPERATIONS = {
    "platform": (*COMMON, *executions.OPERATIONS),
    "guide": (*COMMON, *guide.OPERATIONS),
}


def operations_of(contract: str) -> tuple[Operation, ...]:
    """List the operations of a contract."""
    return OPERATIONS[contract]


def _not_emulated(service: Service, call: Call) -> Answer:
    del service
    if call.path.startswith("/api/v2/architect/flows/") and call.path.endswith("/execute"):
        call.note("this path belongs to the guide contract; the platform has none like it")
        raise Refusal(404, "not.found", "The requested resource was not found.")
    text = f"{call.method} {call.path} is not emulated by this sandbox."
    call.note(text)
    raise Refusal(501, "sandbox.not.emulated", text)


def _no_such_method(service: Service, call: Call) -> Answer:
    del service
    text = f"{call.method} is not allowed on {call.path}."
    raise Refusal(405, "architect.workflow.invalid.operation", text)


def _outside(service: Service, call: Call) -> Answer:
    if call.path.startswith("/oauth/"):
        return _not_emulated(service, call)
    raise Refusal(
        404, "not.found", f"{call.path} is no path of the API; paths begin with /api/v2/, /oauth/ or /sandbox/."
    )


NOT_EMULATED = Operation("unknown", "*", "*", _not_emulated)
NO_SUCH_METHOD = Operation("unknown", "*", "*", _no_such_method)
OUTSIDE = Operation("unknown", "*", "*", _outside, signed=False)
ONLY_METHODS = {
    "/api/v2/flows/executions": frozenset({"POST"}),
    "/api/v2/flows/executions/{flowExecutionId}": frozenset({"GET"}),
    "/api/v2/flows/lookup": frozenset({"GET"}),
    "/api/v2/flows/divisionviews": frozenset({"GET"}),
    "/api/v2/flows/instances/query": frozenset({"POST"}),
    "/api/v2/analytics/flowexecutions/aggregates/query": frozenset({"POST"}),
}
"""Paths on which the platform has these methods and no others; elsewhere we cannot tell missing from not emulated."""


class Table:
    """Finds the operation of a method and path."""

    def __init__(self, operations: tuple[Operation, ...]) -> None:
        self._fixed: dict[tuple[str, str], Operation] = {}
        self._patterns: dict[tuple[str, int], list[tuple[tuple[str, ...], Operation]]] = {}
        for operation in operations:
            parts = tuple(operation.path.split("/"))
            if "{" in operation.path:
                self._patterns.setdefault((operation.method, len(parts)), []).append((parts, operation))
            else:
                self._fixed[operation.method, operation.path] = operation

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        """Give the operation and the values of its `{names}`; a literal path wins over a template."""
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed, {}
        parts = path.split("/")
        for pattern, operation in self._patterns.get((method, len(parts)), ()):
            params = _match(pattern, parts)
            if params is not None and not self._is_literal(operation, path):
                return operation, params
        return self._other(method, path), {}

    def _is_literal(self, operation: Operation, path: str) -> bool:
        """Tell whether some other method owns this very path, so that a template must not take it for an id."""
        return path.rsplit("/", 1)[1] in RESERVED.get(operation.name, ())

    def _other(self, method: str, path: str) -> Operation:
        if not path.startswith("/api/v2/"):
            return OUTSIDE
        parts = path.split("/")
        for template, methods in ONLY_METHODS.items():
            if _match(tuple(template.split("/")), parts) is not None and method not in methods:
                return NO_SUCH_METHOD
        return NOT_EMULATED


RESERVED = {
    "flows.get": frozenset(
        {"executions", "instances", "actions", "datatables", "export", "jobs", "validate", "outcomes", "milestones"}
    ),
    "instances.get": frozenset({"query", "jobs", "settings"}),
}
"""Operation -> last parts of paths that are no id of its template."""


def _match(pattern: tuple[str, ...], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    params: dict[str, str] = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            if not part:
                return None
            params[wanted[1:-1]] = part
        elif wanted != part:
            return None
    return params


def operation_names() -> frozenset[str]:
    """List the names of every operation of both contracts, and `unknown`."""
    return frozenset(operation.name for table in OPERATIONS.values() for operation in table) | {"unknown"}
