"""Worlds for the witnesses: sandboxes that close with the test, and clients of both kinds."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from witness_clients import AnyClient

from flowlaunch._io.network import Network
from flowlaunch.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def open_sandbox(stack: ExitStack) -> Callable[..., Sandbox]:
    """Make sandboxes without a rate limit; they close with the test."""

    def make(**options: Any) -> Sandbox:
        return stack.enter_context(Sandbox(**{"rate_per_minute": None, **options}))

    return make


@pytest.fixture
def connect(stack: ExitStack) -> Callable[..., AnyClient]:
    """Make clients; they close with the test."""

    def make(kind: str, url: str | None, **options: Any) -> AnyClient:
        return stack.enter_context(AnyClient(kind, url, **options))

    return make


@pytest.fixture
def one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make one TLS context do for every client: reading the system's CAs takes longer than a whole test."""
    made: dict[Network, Any] = _CONTEXTS
    original = Network.tls

    def tls(self: Network) -> Any:
        if self not in made:
            made[self] = original(self)
        return made[self]

    monkeypatch.setattr(Network, "tls", tls)


_CONTEXTS: dict[Network, Any] = {}
