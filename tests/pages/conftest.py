"""A sandbox to look at, and a client that launches into it."""

import pytest
import requests

from flowlaunch.sandbox import Sandbox

FLOWS = {
    "order": "f0000000-0000-4000-8000-000000000001",
    "reminder": "f0000000-0000-4000-8000-000000000002",
    "refund": "f0000000-0000-4000-8000-000000000003",
    "loyalty": "f0000000-0000-4000-8000-000000000004",
}
ORDER = {"Flow.customerName": "Jane Doe", "Flow.orderId": "ORD-1", "Flow.priority": "high"}


class Launcher:
    """Launches into a sandbox with one token."""

    def __init__(self, url):
        self.url = url
        form = {"grant_type": "client_credentials"}
        token = requests.post(f"{url}/oauth/token", data=form, auth=("demo", "demo-secret"), timeout=60).json()
        self.token = token["access_token"]
        self.headers = {"Authorization": f"Bearer {self.token}"}

    def __call__(self, flow="order", inputs=ORDER, **more):
        body = {"flowId": FLOWS[flow], "inputData": inputs, **more}
        return requests.post(f"{self.url}/api/v2/flows/executions", json=body, headers=self.headers, timeout=60)

    def id_of(self, *args, **more):
        return self(*args, **more).json()["id"]


@pytest.fixture
def sandbox():
    with Sandbox(rate_per_minute=None) as running:
        yield running


@pytest.fixture
def base(sandbox):
    return f"{sandbox.url}/sandbox/page"


@pytest.fixture
def launch(sandbox):
    return Launcher(sandbox.url)
