"""Preflight under the guide contract: bare names, and start events that take any data or only their own."""

import pytest

from flowlaunch import Client, PreflightError
from flowlaunch.sandbox import Sandbox


@pytest.fixture(scope="module")
def guide():
    """Serve the guide contract, and a client that speaks it."""
    with (
        Sandbox(contract="guide", rate_per_minute=None) as sandbox,
        Client(sandbox.url, client_id="demo", client_secret="demo-secret", contract="guide") as client,
    ):
        yield sandbox, client


def test_a_specific_start_event_takes_only_its_own_names(guide):
    """A key in the wrong case is refused before it is sent, with the right spelling, which has no prefix."""
    sandbox, client = guide
    launches = len(sandbox.launches())

    with pytest.raises(PreflightError) as caught:
        client.launch("Order follow-up", {"customername": "Ada", "orderId": "1"})

    assert [problem.cure for problem in caught.value.problems] == ["did you mean customerName?"]
    assert len(sandbox.launches()) == launches


def test_a_generic_start_event_takes_any_data(guide):
    """Undeclared keys are launched as they are when the flow's start event is generic."""
    _, client = guide

    execution = client.run("Generic intake", {"anything": {"at": "all"}})

    assert execution.succeeded
