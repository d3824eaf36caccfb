"""What a batch sends for a row is what `launch` would send."""

from contextlib import suppress

import msgspec
import pytest

from flowlaunch import AsyncClient
from flowlaunch.batch.permits import launch_ready
from flowlaunch.errors import ApiError
from flowlaunch.sandbox import Sandbox

FLOW = "f0000000-0000-4000-8000-000000000001"
ROWS = [
    {},
    {"Flow.customerName": "Ada", "Flow.orderId": "1"},
    {"Flow.customerName": 'q"uote\\ {} "inputData":{} ü 🎉', "Flow.orderId": "", "nested": {"a": [1, 2.5, None, True]}},
]


@pytest.mark.parametrize("contract", ["platform", "guide"])
@pytest.mark.parametrize("data", ROWS)
@pytest.mark.parametrize("name", [None, 'order "inputData":{} 7'])
async def test_a_row_is_sent_as_launch_would_send_it(contract, data, name):
    """Body and key header of a recorded row equal those of a launch with the same data, under both contracts."""
    with Sandbox(contract=contract, rate_per_minute=None) as sandbox:
        async with AsyncClient(
            sandbox.url, client_id="demo", client_secret="demo-secret", contract=contract, preflight="off"
        ) as client:
            given = {"version": "1.0", "name": name, "key": "kéy 1"}
            for send in (
                lambda: client.launch(FLOW, data, **given),
                lambda: launch_ready(client, FLOW, msgspec.json.encode(data), timeout_s=10.0, **given),
            ):
                with suppress(ApiError):  # the sandbox may refuse the data; what was sent counts
                    await send()
        first, second = sandbox.journal("executions.launch")

    assert first.request_body == second.request_body
    assert first.request_headers["idempotency-key"] == second.request_headers["idempotency-key"]
