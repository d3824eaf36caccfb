"""Fixtures of the client's tests: scripted servers, and clients of both kinds."""

import pytest
from scripted_server import FLOW, FLOW_ID, LAUNCHED, TOKEN, OneClient, ScriptedServer


@pytest.fixture
def scripted():
    """Make scripted servers; a table of (method, path prefix) -> replies, with a token and a flow by default."""
    servers = []

    def make(**by_name):
        names = {
            "token": ("POST", "/oauth/token"),
            "launch": ("POST", "/api/v2/flows/executions"),
            "execution": ("GET", "/api/v2/flows/executions"),
            "flow": ("GET", f"/api/v2/flows/{FLOW_ID}"),
            "version": ("GET", f"/api/v2/flows/{FLOW_ID}/versions"),
            "views": ("GET", "/api/v2/flows/divisionviews"),
            "flows": ("GET", "/api/v2/flows"),
            "me": ("GET", "/api/v2/tokens/me"),
        }
        given = {"token": [TOKEN], "flow": [FLOW], "launch": [LAUNCHED], **by_name}
        table = {names[name]: list(given[name]) for name in names if name in given}
        server = ScriptedServer(table)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.close()


@pytest.fixture(params=["sync", "async"])
def connect(request):
    """Make clients of both kinds; each test that uses it runs once for each."""
    made = []

    def make(url, **options):
        client = OneClient(request.param, url, **options)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()
