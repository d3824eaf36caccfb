"""Let a client send nothing that the ledger has given no slot for."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from flowlaunch._core.launching import ready_body, ready_plan
from flowlaunch._core.pace import AT_ONCE, Pace, Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.aclient import AsyncClient
    from flowlaunch.models import Launch

__all__ = ["Permit", "Permits", "client_key", "govern", "launch_ready"]


@dataclass(slots=True)
class Permit:
    """The right to send one request; `is_short` tells that a second one would have been needed."""

    requests: int = 1
    is_short: bool = False


_held: ContextVar[Permit | None] = ContextVar("flowlaunch_permit", default=None)


class Permits(Pace):
    """Stands where a client has its own pace: one request for each permit that its task holds.

    A refused request is therefore not repeated inside the call, which the ledger would know nothing of: the call
    ends as not sent and its row waits for another slot.
    """

    def __init__(self) -> None:  # the parent's budget has no part here
        self._listeners: list[Callable[[float], None]] = []

    def listen(self, on_push_back: Callable[[float], None]) -> Callable[[], None]:
        """Have `on_push_back` called with the seconds of silence that the service wants; return how to end that."""
        self._listeners.append(on_push_back)
        return lambda: self._listeners.remove(on_push_back)

    def grant(self, requests: int = 1) -> Permit:
        """Give the running task the right to `requests` more requests, and take back any older one."""
        permit = Permit(requests)
        _held.set(permit)
        return permit

    def reserve(self, now_s: float, deadline_s: float) -> Slot | None:  # noqa: ARG002 - the pace's signature
        """Spend the task's permit; None when it is spent. Without any (the flow is looked up) there is no bound."""
        permit = _held.get()
        if permit is None:
            return AT_ONCE
        if not permit.requests:
            permit.is_short = True
            return None
        permit.requests -= 1
        return AT_ONCE

    def push_back(self, now_s: float, seconds: float) -> None:  # noqa: ARG002 - the pace's signature
        """Hand the service's wish for silence on to everybody."""
        for hear in tuple(self._listeners):
            hear(seconds)


def govern(client: AsyncClient) -> Permits:
    """Put permits in the place of the client's own pace; several batches may share one client and its permits."""
    shared = client._driver.shared  # noqa: SLF001 - the one seam between a batch's pace and the client's
    if not isinstance(shared.pace, Permits):
        shared.pace = Permits()
    return shared.pace


async def launch_ready(
    client: AsyncClient,
    flow_id: str,
    data: bytes,
    *,
    version: str | None,
    name: str | None,
    key: str | None,
    timeout_s: float,
) -> Launch:
    """Launch a row whose input data was checked and encoded when it was recorded: a fifth less work than `launch`."""
    api = client._api  # noqa: SLF001 - as above
    body = ready_body(api, flow_id, version, name, key, data)
    return await client._driver.run(ready_plan(api, flow_id, body, repr(flow_id), key, timeout_s))  # noqa: SLF001


def client_key(client: AsyncClient) -> str:
    """Return a name for whose budget the client spends: a hash of the OAuth client's id, or of a given token."""
    credentials = client._driver.shared.credentials  # noqa: SLF001 - as above
    whose = getattr(credentials, "client_id", None) or getattr(credentials, "token", None) or repr(credentials)
    host = client._api.hosts.api_url  # noqa: SLF001 - as above
    return sha256(f"{host}|{whose}".encode()).hexdigest()[:24]
