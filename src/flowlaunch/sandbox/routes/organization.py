"""Limits of the organization; readable with any token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlaunch.sandbox.answers import Answer, Refusal, json_answer
from flowlaunch.sandbox.calls import Operation
from flowlaunch.sandbox.paging import page_numbers

if TYPE_CHECKING:
    from flowlaunch.sandbox.calls import Call
    from flowlaunch.sandbox.service import Service

__all__ = ["OPERATIONS"]

DOCS_URL = "https://developer.genesys.cloud/organization/organization/limits"
LIMITS: dict[str, tuple[str, dict[str, tuple[int, str]]]] = {
    "platform.api": (
        "Platform API",
        {
            "client.credentials.token.rate.per.minute": (300, "Requests a minute with one client credentials token"),
            "token.rate.per.minute": (300, "Requests a minute with one token"),
            "request.bytes.max": (512_000, "Bytes of a request body"),
        },
    ),
    "event.orchestration": (
        "Event orchestration",
        {
            "workflow.invocations.per.minute": (6_000, "Workflows started by triggers in a minute"),
            "workflow.invocations.per.hour": (36_000, "Workflows started by triggers in an hour"),
        },
    ),
}
RATE_KEYS = frozenset({"client.credentials.token.rate.per.minute", "token.rate.per.minute"})


def _value(service: Service, key: str, default: int) -> int:
    """Give the limit as this sandbox enforces it; a sandbox without limit still tells the official number."""
    rate = service.options.rate_per_minute
    return rate if key in RATE_KEYS and rate is not None else default


def docs(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/organizations/limits/docs`."""
    del service, call
    namespaces: list[dict[str, Any]] = [
        {
            "name": name,
            "friendlyName": title,
            "limits": [
                {"key": key, "description": text, "defaultValue": default, "configurable": False, "trackable": False}
                for key, (default, text) in limits.items()
            ],
        }
        for name, (title, limits) in LIMITS.items()
    ]
    return json_answer({"url": DOCS_URL, "namespaces": namespaces})


def namespaces(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/organizations/limits/namespaces`; the shape of the answer is a guess."""
    del service
    number, size = page_numbers(call.query())
    names = list(LIMITS)[(number - 1) * size : number * size]
    return json_answer({"entities": names, "pageSize": size, "pageNumber": number, "total": len(LIMITS)})


def _find(call: Call) -> dict[str, tuple[int, str]]:
    found = LIMITS.get(call.params["namespaceName"])
    if found is None:
        raise Refusal(404, "not.found", "The requested resource was not found.")
    return found[1]


def namespace(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/organizations/limits/namespaces/{namespaceName}`."""
    name = call.params["namespaceName"]
    rows = [
        {"key": key, "namespace": name, "value": _value(service, key, default)}
        for key, (default, _) in _find(call).items()
    ]
    return json_answer({"entities": rows})


def defaults(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/organizations/limits/namespaces/{namespaceName}/defaults`."""
    del service
    name = call.params["namespaceName"]
    rows = [{"key": key, "namespace": name, "value": default} for key, (default, _) in _find(call).items()]
    return json_answer({"entities": rows})


BASE = "/api/v2/organizations/limits"
OPERATIONS = (
    Operation("limits.docs", "GET", f"{BASE}/docs", docs),
    Operation("limits.namespaces", "GET", f"{BASE}/namespaces", namespaces),
    Operation("limits.namespace", "GET", f"{BASE}/namespaces/{{namespaceName}}", namespace),
    Operation("limits.defaults", "GET", f"{BASE}/namespaces/{{namespaceName}}/defaults", defaults),
)
