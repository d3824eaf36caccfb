"""Finding executions afterwards."""

from datetime import UTC, datetime, timedelta

import pytest

from flowlaunch import Client
from flowlaunch.errors import InvalidRequestError
from flowlaunch.sandbox import Sandbox

DEMO = {"client_id": "demo", "client_secret": "demo-secret", "pace_per_minute": None}


def test_runs_of_a_flow_are_found_by_the_time_of_their_start():
    """With execution data on, the runs of a flow between two instants are found, and no others."""
    with Sandbox(execution_data=True) as sandbox, Client(sandbox.url, **DEMO) as client:
        flow = client.find_flow("Order follow-up")
        before = datetime.now(UTC) - timedelta(seconds=5)
        launched = client.launch(flow.id, {"customerName": "Ada", "orderId": "1"})
        after = datetime.now(UTC) + timedelta(seconds=5)

        found = client.find_instances(flow.id, after=before, before=after)
        earlier = client.find_instances(flow.id, after=before - timedelta(hours=1), before=before)

    assert [instance.id for instance in found] == [launched.id]
    assert found[0].flow_id == flow.id
    assert found[0].started_at is not None
    assert before <= found[0].started_at <= after
    assert earlier == ()


def test_switched_off_execution_data_is_an_error_and_no_empty_answer():
    """An org without execution data answers with an error: no runs found would mean something else."""
    now = datetime.now(UTC)
    with Sandbox() as sandbox, Client(sandbox.url, **DEMO) as client, pytest.raises(InvalidRequestError):
        client.find_instances("f0000000-0000-4000-8000-000000000001", after=now, before=now)


def test_runs_of_a_flow_are_counted_by_the_time_of_their_start():
    """The number of a flow's runs between two instants is told without execution data, whoever launched them."""
    with Sandbox() as sandbox, Client(sandbox.url, **DEMO) as client:
        before = datetime.now(UTC) - timedelta(seconds=5)
        for number in range(3):
            flow_id = client.launch("Order follow-up", {"customerName": "Ada", "orderId": str(number)}).flow_id
        after = datetime.now(UTC) + timedelta(seconds=5)

        assert client.count_executions(flow_id, after=before, before=after) == 3
        assert client.count_executions(flow_id, after=before - timedelta(hours=1), before=before) == 0
        assert client.count_executions("f0000000-0000-4000-8000-000000000002", after=before, before=after) == 0
