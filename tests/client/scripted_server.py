"""A server that does exactly what a test scripts, byte for byte, and clients of both kinds to call it with."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

FLOW_ID = "11111111-2222-4333-8444-555555555555"


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict
    body: bytes


def answer(status=200, body=b"{}", headers=(), reason="X"):
    """Return the bytes of a whole answer; a dict body is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} {reason}", f"content-length: {len(content)}", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


TOKEN = answer(body={"access_token": "tok-1", "token_type": "bearer", "expires_in": 86400})
LAUNCHED = answer(body={"id": "exec-1"}, headers=[("ININ-Correlation-Id", "corr-1")])
FLOW = answer(
    body={
        "id": FLOW_ID,
        "name": "Order follow-up",
        "type": "WORKFLOW",
        "publishedVersion": {"id": "3.0"},
        "inputSchema": {
            "type": "object",
            "properties": {"Flow.customerName": {"type": "string"}, "Flow.count": {"type": "integer"}},
            "required": ["Flow.customerName"],
        },
    }
)
DROP = b""
"""Read the request, then close without a word."""

KEEP = "keep"
"""What a callable reply returns to have its connection kept."""


def later(reply, pause_s=0.05):
    """Return a reply that keeps its caller waiting for a moment."""

    def send(sock):
        time.sleep(pause_s)
        sock.sendall(reply)
        return KEEP

    return send


def hang(sock):
    """Read the request, then say nothing until the client gives up."""
    sock.recv(1)


def drip(text, pause_s=0.02):
    """Return a reply that sends `text` byte by byte, for as long as anybody listens."""

    def send(sock):
        for index in range(len(text)):
            sock.sendall(text[index : index + 1])
            time.sleep(pause_s)

    return send


def reset(after=b""):
    """Return a reply that sends `after` and then resets the connection."""

    def send(sock):
        sock.sendall(after)
        time.sleep(0.01)  # a reset overtakes what is still on its way
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    return send


def token(text="tok-1", **more):
    """Return the bytes of a token answer."""
    return answer(body={"access_token": text, "token_type": "bearer", "expires_in": 86400, **more})


def execution(status="RUNNING", **more):
    """Return the bytes of an execution's answer."""
    return answer(body={"id": "exec-1", "status": status, **more}, headers=[("ININ-Correlation-Id", "corr-2")])


def flow_page(*flows, page=1, pages=1):
    """Return the bytes of one page of a flow listing."""
    return answer(body={"entities": list(flows), "pageNumber": page, "pageCount": pages, "pageSize": 100})


def refusal(status, code="", message="no", headers=(), **more):
    """Return the bytes of an official error answer."""
    body = {"message": message, "code": code, "status": status, "contextId": "corr-9", **more}
    return answer(status, body, [("ININ-Correlation-Id", "corr-9"), *headers])


@dataclass
class ScriptedServer:
    """Answers each path from its own list of scripted replies; the last reply of a list repeats.

    A reply is bytes to send before closing the connection, or a callable that gets the socket.
    """

    replies: dict
    requests: list = field(default_factory=list)
    connections: int = 0

    def __post_init__(self):
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._sockets = []
        self._threads[0].start()

    def count(self, method, prefix="/api/v2/flows/executions"):
        """Count the requests of `method` whose path begins with `prefix`."""
        return sum(1 for seen in self.requests if seen.method == method and seen.path.startswith(prefix))

    @property
    def launches(self):
        """How many launches arrived whole."""
        return self.count("POST")

    @property
    def sign_ins(self):
        """How many token requests arrived."""
        return self.count("POST", "/oauth/token")

    def until(self, holds, longest_s=60.0):
        """Wait until `holds()`, which looks at what arrived."""
        ends_s = time.monotonic() + longest_s
        while not holds():
            assert time.monotonic() < ends_s, "it did not come about"
            time.sleep(0.002)

    async def until_async(self, holds, longest_s=60.0):
        """Wait until `holds()` while the event loop goes on."""
        import asyncio

        async with asyncio.timeout(longest_s):
            while not holds():  # noqa: ASYNC110 - what it looks at is another thread's
                await asyncio.sleep(0.002)

    def close(self):
        """Stop listening and end every connection."""
        for sock in (self._listener, *self._sockets):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._sockets.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
                self._threads.append(thread)
            thread.start()

    def _serve(self, sock):
        try:
            stream = sock.makefile("rb")
            while (seen := _read(stream)) is not None:
                with self._lock:
                    self.requests.append(seen)
                    reply = self._next(seen)
                if callable(reply):
                    if reply(sock) != KEEP:
                        return
                    continue
                if reply == DROP:
                    return
                sock.sendall(reply)
        except (OSError, UnicodeDecodeError):  # what it was sent is no HTTP
            return
        finally:
            sock.close()

    def _next(self, seen):
        for (method, prefix), script in self.replies.items():
            if seen.method == method and seen.path.startswith(prefix):
                return script.pop(0) if len(script) > 1 else script[0]
        return answer(404, {"message": "The requested resource was not found.", "code": "not.found", "status": 404})


def _read(stream):
    line = stream.readline()
    if not line:
        return None
    method, path, _version = line.decode().split(" ", 2)
    headers = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        headers[name.strip().lower()] = value.strip()
    return Seen(method, path, headers, stream.read(int(headers.get("content-length", "0"))))


class FakeClock:
    """A clock that jumps: sleeping takes no time and is written down."""

    def __init__(self):
        from flowlaunch._core.steps import Moment

        self._moment = Moment
        self.seconds = 1_000.0
        self.slept = []
        self._lock = threading.Lock()

    def now(self):
        return self._moment(self.seconds, 1_800_000_000.0 + self.seconds)

    def sleep(self, seconds):
        with self._lock:
            self.slept.append(seconds)
            self.seconds += seconds

    def wait(self, event, seconds):
        if not event.is_set():
            self.sleep(seconds)


class FakeAsyncClock(FakeClock):
    async def sleep(self, seconds):
        import asyncio

        FakeClock.sleep(self, seconds)
        await asyncio.sleep(0)

    async def wait(self, event, seconds):
        if not event.is_set():
            await self.sleep(seconds)


class OneClient:
    """Drives Client or AsyncClient with the same lines: `call("launch", …)` answers with the result or raises."""

    def __init__(self, kind, url, *, real_time=False, **options):
        import flowlaunch
        from flowlaunch._io.clock import SystemClock
        from flowlaunch._io.clock_async import SystemAsyncClock

        self.kind = kind
        clocks = (SystemClock, SystemAsyncClock) if real_time else (FakeClock, FakeAsyncClock)
        self.clock = options.pop("clock", None) or clocks[kind == "async"]()
        cls = flowlaunch.Client if kind == "sync" else flowlaunch.AsyncClient
        settings = {"region": url, "client_id": "id", "client_secret": "s3cret-value", "pace_per_minute": None}
        self.client = cls(**{**settings, "clock": self.clock, **options})
        self._loop = None

    def call(self, name, /, *args, **kwargs):
        method = getattr(self.client, name)
        if self.kind == "sync":
            result = method(*args, **kwargs)
            return list(result) if name == "flows" else result
        return self._runner().run(_collect(method, args, kwargs, name == "flows"))

    def gather(self, *calls):
        """Make many calls at once, each a name with its arguments; answer with results and errors in order."""
        if self.kind == "sync":
            with ThreadPoolExecutor(len(calls)) as pool:
                return list(pool.map(lambda call: _caught(self.call, call), calls))
        return self._runner().run(_gathered(self.client, calls))

    def close(self):
        if self.kind == "sync":
            self.client.close()
        elif self._loop is not None:
            self._loop.run(self.client.close())
            self._loop.close()
            self._loop = None

    def _runner(self):
        import asyncio

        if self._loop is None:
            self._loop = asyncio.Runner()
        return self._loop


def _caught(run, call):
    name, *rest = call
    kwargs = rest.pop() if rest and isinstance(rest[-1], dict) and name != "launch" else {}
    try:
        return run(name, *rest, **kwargs)
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return error


async def _gathered(client, calls):
    import asyncio

    async def one(call):
        name, *rest = call
        kwargs = rest.pop() if rest and isinstance(rest[-1], dict) and name != "launch" else {}
        return await getattr(client, name)(*rest, **kwargs)

    return await asyncio.gather(*map(one, calls), return_exceptions=True)


async def _collect(method, args, kwargs, is_stream):
    if is_stream:
        return [item async for item in method(*args, **kwargs)]
    return await method(*args, **kwargs)
