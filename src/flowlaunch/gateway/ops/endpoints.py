"""What machines ask a gateway: is it alive, is it ready, how is it doing."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from flowlaunch.gateway.access import require
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.ops.registry import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from flowlaunch.gateway.ops.health import Check, Health
    from flowlaunch.gateway.ops.readings import Readings
    from flowlaunch.gateway.ops.registry import Registry
    from flowlaunch.gateway.state import GatewayState

__all__ = ["ops_routes"]

HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
SOON_S: Final = 5
PROXIED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
"""A proxy on this machine makes everybody look local: what it passes on is not."""


def ops_routes(state: GatewayState, health: Health, readings: Readings, registry: Registry) -> list[Route]:
    """Return the routes; the metrics are guarded as `OpsOptions.metrics` says."""
    guard = state.options.ops.metrics

    async def alive(_request: Request) -> Response:
        return Response(b'{"alive":true}', headers=HEADERS, media_type="application/json")

    async def ready(_request: Request) -> Response:
        checks = await health.look()
        unwell = [check for check in checks if not check.is_well]
        if unwell:
            raise _not_ready(checks, unwell)
        body = msgspec.json.encode({"ready": True, "checks": [_shown(check) for check in checks]})
        return Response(body, headers=HEADERS, media_type="application/json")

    async def metrics(request: Request) -> Response:
        if guard == "off":
            raise Problem(404, "not-found", "There is nothing here", "Metrics are off.")
        if guard == "key" or (guard == "loopback" and not _is_local(request)):
            require(await state.gatekeeper.authenticate(request.headers), "read")
        await asyncio.to_thread(readings.refresh)
        return Response(registry.text(), headers=HEADERS, media_type=CONTENT_TYPE)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


def _not_ready(checks: tuple[Check, ...], unwell: list[Check]) -> Problem:
    told = "; ".join(f"{check.name}: {check.says}" for check in unwell)
    return Problem(
        503, "not-ready", "The gateway is not ready", told,
        checks=[_shown(check) for check in checks], retry_after_s=SOON_S,
    )  # fmt: skip


def _shown(check: Check) -> Mapping[str, object]:
    return {"name": check.name, "ok": check.is_well} | ({"says": check.says} if check.says else {})


def _is_local(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in PROXIED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
