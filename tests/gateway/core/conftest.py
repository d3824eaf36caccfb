"""Gateways to ask: one for the whole run, or one of a test's own."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from gateway_world import gateway

from flowlaunch.sandbox import Sandbox


@pytest.fixture(scope="session")
def shared_sandbox():
    with Sandbox(rate_per_minute=None) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def door(shared_sandbox, tmp_path_factory):
    """A gateway that many tests ask; each uses inputs and keys of its own."""
    with gateway(shared_sandbox, tmp_path_factory.mktemp("gateway")) as world:
        yield world


@pytest.fixture
def open_door(tmp_path):
    """Open gateways of a test's own, each with a sandbox of its own; `sandbox_options` are the sandbox's."""
    with ExitStack() as stack:

        def opened(sandbox_options=None, **options):
            sandbox = stack.enter_context(Sandbox(**({"rate_per_minute": None} | (sandbox_options or {}))))
            return stack.enter_context(gateway(sandbox, tmp_path, **options))

        yield opened
