"""A gateway in a thread, in front of a sandbox, asked over HTTP as an app would."""

from __future__ import annotations

import asyncio
import http.client
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from flowlaunch import AsyncClient
from flowlaunch.gateway.access.keys import Keys
from flowlaunch.gateway.options import GatewayOptions
from flowlaunch.gateway.serve import serve
from flowlaunch.settings import Settings

if TYPE_CHECKING:
    from flowlaunch.sandbox import Sandbox

ORDER = "Order follow-up"
GOOD = {"customerName": "Jane", "orderId": "7"}


@dataclass
class Reply:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.raw)

    @property
    def problem(self) -> str:
        assert self.headers["content-type"] == "application/problem+json", self.raw
        return self.json["type"].rpartition(":")[2]


@dataclass
class GatewayWorld:
    """A running gateway and its sandbox; `keys` are made when they are first used."""

    sandbox: Sandbox
    state: Any
    url: str
    ledger: Path
    made: dict[str, str] = field(default_factory=dict)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def key(self, name: str, *scopes: str) -> str:
        """Return an API key of that name."""
        with self.turn:
            if name not in self.made:
                self.made[name] = Keys(self.state.ledger.store).create(name, scopes or ("admin",), who="test").key
            return self.made[name]

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Reply:
        """Ask once, as the key's holder; header names are written with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given.setdefault("authorization", f"Bearer {key or self.key('test')}")
        raw = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        if raw is not None:
            given.setdefault("content-type", "application/json")
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=90)
        try:
            connection.request(method, path, raw, given)
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def launch(self, given: Any = None, *, key: str | None = None, wait_s: int = 0, **more: Any) -> Reply:
        """Ask for a launch of the order flow; keywords that are headers begin with `h_`."""
        body = {"flow": ORDER, "input": GOOD if given is None else given}
        body |= {name: value for name, value in more.items() if not name.startswith("h_")}
        body = {name: value for name, value in body.items() if value is not None}
        headers = {name[2:]: value for name, value in more.items() if name.startswith("h_")}
        if wait_s:
            headers["prefer"] = f"wait={wait_s}"
        return self.call("POST", "/v1/launches", body, key=key, **headers)

    def play_next(self, fault: Any) -> None:
        """Have the sandbox play a fault at the next launch, once those that other tests left behind have been sent."""
        pause = threading.Event()
        for _ in range(3_000):
            listed = [
                self.call("GET", f"/v1/launches?state={one}").json["launches"] for one in ("pending", "launching")
            ]
            if all(one["reason"] == "waits-for-not-before" for one in (*listed[0], *listed[1])):
                break
            pause.wait(0.02)
        self.sandbox.faults.next("executions.launch", fault)

    def show(self, launch_id: str) -> Any:
        """Return a launch as it stands."""
        reply = self.call("GET", f"/v1/launches/{quote(launch_id)}")
        assert reply.status == 200, reply.raw
        return reply.json

    def launched(self, **inputs: str) -> int:
        """Count the launches that the sandbox took with these inputs."""
        wanted = {f"Flow.{name}": value for name, value in inputs.items()}
        return sum(wanted.items() <= one.inputs.items() for one in self.sandbox.launches())


@contextmanager
def gateway(sandbox: Sandbox, folder: Path, **options: Any):
    """Serve a gateway in a thread until the block ends."""
    options = {"pace_per_minute": None, "port": 0, "stop_wait_s": 5.0, "ledger": folder / "gateway.ledger"} | options
    wanted = GatewayOptions(**{"uploads": folder / "uploads"} | options)
    started, box = threading.Event(), {}

    def client() -> AsyncClient:
        settings = Settings(region=sandbox.url, client_id="demo", client_secret="demo-secret")
        return AsyncClient.from_settings(settings, pace_per_minute=None)

    async def main() -> None:
        box["task"], box["loop"] = asyncio.current_task(), asyncio.get_running_loop()

        def join(state: Any) -> None:
            state.drawings = sandbox.drawings

        await serve(
            wanted, client, lambda state: (box.update(state=state), started.set()), extra=join, handle_signals=False
        )

    def run() -> None:
        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            box["error"] = error
        finally:
            started.set()

    thread = threading.Thread(target=run, name="gateway")
    thread.start()
    try:
        assert started.wait(60)
        if "error" in box:
            raise box["error"]
        state = box["state"]
        yield GatewayWorld(sandbox, state, state.base_url, Path(wanted.ledger))
    finally:
        if thread.is_alive():
            box["loop"].call_soon_threadsafe(box["task"].cancel)
            thread.join(60)
        assert not thread.is_alive()
