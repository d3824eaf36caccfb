"""What a user's editor sees: pyright checks this file strictly; a wrong public type is an error here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import assert_type

from flowlaunch import (
    AccessToken,
    AsyncClient,
    CheckReport,
    Client,
    ClientCredentials,
    Event,
    Execution,
    ExecutionFailedError,
    Flow,
    FlowInputs,
    Identity,
    Launch,
    LaunchInDoubtError,
    Limit,
    PreflightError,
    Preview,
    RateLimitedError,
    Settings,
    load_settings,
)


@dataclass
class Order:
    """Input data as a dataclass."""

    customerName: str  # noqa: N815 - the flow's own name
    orderId: str  # noqa: N815 - the flow's own name


def heard(event: Event) -> None:
    """Take an event."""
    assert_type(event.status, int | None)
    assert_type(event.elapsed_s, float)


def threads(seen: list[Execution]) -> None:
    """Use the client for threads."""
    with Client(
        "eu-west-1", credentials=ClientCredentials("id", "secret"), hooks=heard, pace_per_minute=None
    ) as client:
        assert_type(client.launch("Order follow-up", Order("Ada", "1"), key="k"), Launch)
        assert_type(client.run("Order follow-up", {"orderId": "1"}, wait_s=10.0), Execution)
        assert_type(client.status("id"), Execution)
        assert_type(client.wait("id", on_status=seen.append), Execution)
        assert_type(client.check("Order follow-up"), CheckReport)
        assert_type(client.preview("Order follow-up"), Preview)
        assert_type(client.flows(type=None), Iterator[Flow])
        assert_type(client.find_flow("Order follow-up"), Flow)
        assert_type(client.flow_inputs("Order follow-up"), FlowInputs)
        assert_type(client.whoami(), Identity)
        assert_type(client.limits(), tuple[Limit, ...])
        assert_type(client.execute_shared("id"), Launch)


async def tasks() -> None:
    """Use the client for tasks."""
    async with AsyncClient(credentials=AccessToken("token"), preflight="warn") as client:
        assert_type(await client.launch("Order follow-up"), Launch)
        assert_type(await client.run("Order follow-up"), Execution)
        assert_type(client.flows(), AsyncIterator[Flow])
        assert_type(await client.status("a"), Execution)


def errors(error: Exception) -> None:
    """Branch on the class and read its facts."""
    match error:
        case LaunchInDoubtError():
            assert_type(error.flow_id, str)
            assert_type(error.key, str | None)
        case RateLimitedError():
            assert_type(error.retry_after_s, float | None)
        case PreflightError():
            assert_type(error.hint, str)
        case ExecutionFailedError():
            assert_type(error.message, str)
        case _:
            pass


def settings() -> None:
    """Load settings."""
    assert_type(load_settings({"region": "mypurecloud.ie"}), Settings)
