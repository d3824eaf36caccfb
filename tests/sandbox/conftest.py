"""Worlds for the sandbox's tests: sandboxes that close with the test, and clients signed in to them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from sandbox_api import Api

from flowlaunch.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def open_sandbox(stack: ExitStack) -> Callable[..., Sandbox]:
    """Make sandboxes with options; they close with the test."""

    def make(**options: Any) -> Sandbox:
        return stack.enter_context(Sandbox(**options))

    return make


@pytest.fixture
def connect(stack: ExitStack) -> Callable[..., Api]:
    """Make clients signed in to a sandbox (or, with client=None, not signed in)."""

    def make(sandbox: Sandbox, client: str | None = "demo") -> Api:
        api = stack.enter_context(Api(sandbox.url))
        return api.sign_in(client) if client else api

    return make


@pytest.fixture
def sandbox(open_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """A sandbox as it comes, without rate limit."""
    return open_sandbox(rate_per_minute=None)


@pytest.fixture
def api(sandbox: Sandbox, connect: Callable[..., Api]) -> Api:
    """The demo client, signed in."""
    return connect(sandbox)
