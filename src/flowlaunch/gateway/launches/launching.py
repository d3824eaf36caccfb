"""Take one launch: who may, what it becomes, on the disk, and the answer to its repetition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.errors import FlowlaunchError
from flowlaunch.gateway.access.quotas import Limit
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.store.launches import Accepted, Erased, Full, Reused, repeated

if TYPE_CHECKING:
    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.gateway.access import Caller
    from flowlaunch.gateway.access.gatekeeper import Gatekeeper
    from flowlaunch.gateway.access.quotas import Charge
    from flowlaunch.gateway.launches.accepting import Accepter
    from flowlaunch.gateway.launches.ordering import Ask, Orders
    from flowlaunch.gateway.options import GatewayOptions
    from flowlaunch.gateway.routing.routes import Route
    from flowlaunch.gateway.store.launches import Answer, Order

__all__ = ["ERASED", "Launcher", "taken"]

ERASED: Final = "launch-erased"
"""The problem of a request under a key whose launch was erased."""


class Launcher:
    """The one way in for launches: the API's and the webhooks'."""

    def __init__(
        self,
        orders: Orders,
        accepter: Accepter,
        gatekeeper: Gatekeeper,
        options: GatewayOptions,
        clock: AsyncClock,
    ) -> None:
        self._orders, self._accepter, self._gatekeeper = orders, accepter, gatekeeper
        self._options, self._clock = options, clock

    async def launch(self, ask: Ask, caller: Caller) -> Accepted:
        """Return the launch once it is on the disk; the one there is, when the same was asked for under its key.

        A quota is spent on what is recorded alone: a repetition costs nothing, nor does what is refused.

        Raises:
            Problem: the route may not be taken, the key is another request's, the queue or a quota is full.
            FlowlaunchError: the flow or the input does not fit, or could not be checked; nothing was recorded.

        """
        known = await self._known(ask, caller)
        if known is not None:
            return known
        try:
            order, charge = await self._order(ask, caller)
        except (Problem, FlowlaunchError):
            known = await self._known(ask, caller)  # recorded since we looked
            if known is None:
                raise
            return known
        answer = await self._recorded(order, charge)
        if isinstance(answer, Full):
            raise self._full(order.route, answer.waiting, order.most_waiting or 0)
        return taken(answer, ask)

    async def _order(self, ask: Ask, caller: Caller) -> tuple[Order, Charge]:
        """Return the launch to record, if it may be, with what it cost."""
        route = self._orders.route_of(ask, caller)
        order = await self._orders.order(ask, route, caller, round(self._clock.now().unix_s * 1e6))
        limits = _limits(route, caller) if route is not None else ()
        return order, await self._gatekeeper.check_quota(caller, order.route, limits)

    async def _recorded(self, order: Order, charge: Charge) -> Answer:
        """Have the launch recorded; its cost is given back when it is not, unless the request was broken off."""
        try:
            answer = await self._accepter.accept(order)
        except (Problem, FlowlaunchError):
            self._gatekeeper.give_back(charge)
            raise
        if not isinstance(answer, Accepted) or answer.is_repeat:
            self._gatekeeper.give_back(charge)
        return answer

    async def _known(self, ask: Ask, caller: Caller) -> Accepted | None:
        """Return the launch that the key stands for already: its repetition is answered whatever has changed since."""
        if ask.key is None:
            return None
        found = await self._accepter.find(caller.key_id, ask.key)
        if found is None:
            return None
        return taken(repeated(found, ask.fingerprint()), ask)

    def _full(self, route: str, waiting: int, most: int) -> Problem:
        per_minute = self._options.pace_per_minute or 60_000.0
        retry_after_s = min(3_600.0, max(1.0, (waiting - most + most * 0.05) / per_minute * 60))
        return Problem(
            429, "queue-full", "The queue is full",
            f"{waiting:,} launches wait in {route}, which takes {most:,}. Nothing was recorded; ask again later.",
            retry_after_s=retry_after_s, waiting=waiting,
        )  # fmt: skip


def _limits(route: Route, caller: Caller) -> list[Limit]:
    quota = route.spec.quota
    return [
        Limit(f"route:{route.name}", quota.per_minute, quota.per_day),
        Limit(f"route:{route.name}/key:{caller.key_id}", quota.per_key_per_minute, quota.per_key_per_day),
    ]


def taken(answer: Accepted | Reused | Erased, ask: Ask) -> Accepted:
    """Return the launch, or say why the key is not taken."""
    if isinstance(answer, Reused):
        raise Problem(
            409, "key-reused", "The idempotency key belongs to another request",
            f"The key {ask.key!r} was used with another body. Nothing was launched; use a new key for a new launch.",
        )  # fmt: skip
    if isinstance(answer, Erased):
        raise Problem(
            409, ERASED, "What was launched under the idempotency key was erased",
            "Somebody whom it named was forgotten, so nobody can tell whether this is the same request. "
            "Nothing was launched now; use a new key for a new launch.", launch_id=answer.launch.id,
        )  # fmt: skip
    return answer
