"""A small HTTP client and constants for the sandbox's tests."""

from __future__ import annotations

import json
import socket
from typing import Any, Self

import requests

FLOWS = {
    "order": "f0000000-0000-4000-8000-000000000001",
    "reminder": "f0000000-0000-4000-8000-000000000002",
    "refund": "f0000000-0000-4000-8000-000000000003",
    "loyalty": "f0000000-0000-4000-8000-000000000004",
    "draft": "f0000000-0000-4000-8000-000000000005",
    "callback": "f0000000-0000-4000-8000-000000000006",
    "callback-support": "f0000000-0000-4000-8000-000000000007",
    "ivr": "f0000000-0000-4000-8000-000000000008",
    "shared": "f0000000-0000-4000-8000-000000000009",
    "generic": "f0000000-0000-4000-8000-000000000010",
    "deleted": "f0000000-0000-4000-8000-000000000011",
    "appointment": "f0000000-0000-4000-8000-000000000012",
}
ORDER = {"Flow.customerName": "Jane Doe", "Flow.orderId": "ORD-1", "Flow.priority": "high"}
EXECUTIONS = "/api/v2/flows/executions"
FLOW = """
workflow:
  name: {name}
  description: uploaded
  division: {division}
  startUpRef: "/workflow/states/state[one]"
  defaultLanguage: en-us
  supportedLanguages: {{en-us: {{none: true}}}}
  variables:
    - stringVariable: {{name: Flow.in, initialValue: {{noValue: true}}, isInput: true, isOutput: false}}
    - stringVariable: {{name: Flow.out, initialValue: {{noValue: true}}, isInput: false, isOutput: true}}
  settingsErrorHandling: {{errorHandling: {{endWorkflow: {{none: true}}}}}}
  states:
    - state:
        name: One
        refId: one
        actions:
          - updateData:
              name: Set
              statements:
                - string: {{variable: Flow.out, value: {{exp: 'Append("{text} ", Flow.in)'}}}}
          - endWorkflow: {{name: End, exitReason: {{noValue: true}}}}
"""


class Api:
    """Speaks to a sandbox with one token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def token(self, client: str = "demo", **form: str) -> requests.Response:
        fields = {"grant_type": "client_credentials", **form}
        return self.session.post(f"{self.url}/oauth/token", data=fields, auth=(client, f"{client}-secret"), timeout=60)

    def sign_in(self, client: str = "demo") -> Api:
        answer = self.token(client)
        assert answer.status_code == 200, answer.text
        return self.use(answer.json()["access_token"])

    def use(self, token: str) -> Api:
        self.session.headers["Authorization"] = f"Bearer {token}"
        return self

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", 60)
        return self.session.request(method, self.url + path, **options)

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.call("GET", path, params=query)

    def launch(self, flow: str = "order", inputs: Any = None, **more: Any) -> requests.Response:
        body = {"flowId": FLOWS.get(flow, flow), "inputData": ORDER if inputs is None else inputs, **more}
        return self.call("POST", EXECUTIONS, json=body)

    def run(self, flow: str = "order", inputs: Any = None, **more: Any) -> dict[str, Any]:
        """Launch and read the execution back at once."""
        answer = self.launch(flow, inputs, **more)
        assert answer.status_code == 200, answer.text
        return self.get(answer.json()["selfUri"]).json()

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.call(method, f"/sandbox/{path}", json=body)


def raw(url: str, request: bytes, *, chunks: tuple[bytes, ...] = ()) -> bytes:
    """Send bytes over a socket of our own and read until the server closes; `reset` marks a reset connection."""
    host, port = url.removeprefix("http://").split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request)
        for chunk in chunks:
            connection.sendall(chunk)
        try:
            while piece := connection.recv(65_536):
                received += piece
        except ConnectionResetError:
            received += b"<reset>"
    return received


def launch_bytes(url: str, token: str, inputs: dict[str, Any] | None = None) -> bytes:
    """Render a whole launch request."""
    body = json.dumps({"flowId": FLOWS["order"], "inputData": inputs or ORDER}).encode()
    head = (
        f"POST {EXECUTIONS} HTTP/1.1\r\nHost: {url.removeprefix('http://')}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def flow_text(name: str = "Uploaded", text: str = "one", division: str = "Home") -> str:
    """Write a small flow that answers `<text> <Flow.in>`."""
    return FLOW.format(name=name, text=text, division=division)
