"""Connections: what one client may take is bounded, and others are served meanwhile."""

import asyncio
import contextlib
import http.client
import threading
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import uvicorn
from uvicorn.server import ServerState

from flowlaunch.gateway.ops import connections
from flowlaunch.gateway.ops.connections import bounded_protocol
from flowlaunch.gateway.ops.options import ConnectionLimits

SMALL = ConnectionLimits(most=3, head_bytes=2_000, head_s=60, body_bytes_per_s=10, stalled_s=60, idle_s=60)
"""Bounds of sizes; times so long that no machine is too slow for them."""
QUICK = replace(SMALL, head_s=0.15, stalled_s=0.15)
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def app(scope, receive, send):
    """Answer with the size of the body, or with ten megabytes."""
    size = 0
    while scope["method"] == "POST":
        message = await receive()
        size += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message["more_body"]:
            break
    body = b"x" * 10_000_000 if scope["path"] == "/much" else str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for at in range(0, len(body), 100_000):
        await send({"type": "http.response.body", "body": body[at : at + 100_000], "more_body": True})
    await send({"type": "http.response.body"})


@contextlib.asynccontextmanager
async def listening(limits=SMALL):
    """Serve the app with bounds; yield a way to connect, and the server's state."""
    config = uvicorn.Config(app, http=bounded_protocol(limits), log_config=None, access_log=False, lifespan="off",
                            server_header=False, timeout_keep_alive=round(limits.idle_s))  # fmt: skip
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    opened = []

    async def connect():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        opened.append(writer)
        return reader, writer

    try:
        yield connect, state
    finally:
        server.close()
        for writer in opened:
            writer.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0.01)


async def told(reader, most_s=60.0):
    """Read until the server closes; return the status, or None when it said nothing."""
    raw = b""
    with contextlib.suppress(ConnectionError):
        raw = await asyncio.wait_for(reader.read(), most_s)
    return int(raw.split()[1]) if raw else None


async def until(holds):
    """Wait for a condition of the server."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - uvicorn's sets tell nobody
            await asyncio.sleep(0.005)


async def test_a_head_that_drips_is_given_up():
    """A client that never ends its head is given up after the time for heads, however it drips."""
    async with listening(QUICK) as (connect, _state):
        reader, writer = await connect()
        ended = asyncio.create_task(told(reader))
        writer.write(GET[:4])
        while not ended.done():
            with contextlib.suppress(ConnectionError):
                writer.write(b"a")
            await asyncio.wait({ended}, timeout=0.02)

        assert await ended in {408, None}  # an answer is lost where the client still writes when it comes


async def test_a_connection_that_says_nothing_is_given_up():
    """A silent connection is closed like one that drips."""
    async with listening(QUICK) as (connect, _state):
        reader, _writer = await connect()

        assert await told(reader) == 408


async def test_later_requests_of_a_connection_are_timed_too():
    """Slowness in the second request of a kept connection is answered like in the first."""
    async with listening() as (connect, state):
        reader, writer = await connect()
        writer.write(GET)
        assert await reader.readuntil(b"\r\n\r\n0") == b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n0"
        (connection,) = state.connections
        connection.limits = QUICK
        writer.write(GET[:9])

        assert await told(reader) == 408


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 5_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 1_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 5_000,
    ],
    ids=["long-header", "long-address", "many-headers", "endless-header"],
)
async def test_a_large_head_is_refused(head):
    """A head beyond its bound is answered 431 before it is complete, and nothing more of it is kept."""
    async with listening() as (connect, _state):
        reader, writer = await connect()
        writer.write(head)

        assert await told(reader) == 431


async def test_what_is_no_http_is_refused():
    """Anything but HTTP is answered 400 as problem details and closed."""
    async with listening() as (connect, _state):
        reader, writer = await connect()
        writer.write(b"\x16\x03\x01 not http\r\n\r\n")
        raw = await reader.read()

        assert raw.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in raw


async def test_a_body_that_drips_is_given_up(monkeypatch):
    """A body that came fast enough since the last look goes on; once it is slower than the bound it is answered 408."""
    monkeypatch.setattr(connections, "LOOK_S", 60)
    async with listening() as (connect, state):
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\n\r\n")
        await until(lambda: any(one.cycle is not None for one in state.connections))
        (connection,) = state.connections
        writer.write(b"x" * 600)
        await until(lambda: connection._body_bytes == 600)
        connection._judge_body()
        assert not connection.transport.is_closing()
        writer.write(b"x" * 599)
        await until(lambda: connection._body_bytes == 599)
        connection._judge_body()

        assert await told(reader) == 408


async def test_a_client_that_does_not_read_is_cut():
    """A client that leaves a large answer unread is cut after the time for that, and its memory is free."""
    async with listening(QUICK) as (connect, state):
        _reader, writer = await connect()
        writer.transport.pause_reading()
        writer.write(b"GET /much HTTP/1.1\r\nhost: x\r\n\r\n")

        await until(lambda: state.connections)
        await until(lambda: not state.connections)


async def test_connections_beyond_the_bound_are_refused_and_others_served():
    """One connection too many is answered 503 at once; the others go on, and one that ends makes room."""
    async with listening(ConnectionLimits(most=2)) as (connect, state):
        first, second = await connect(), await connect()
        for _reader, writer in (first, second):
            writer.write(GET)
        for reader, _writer in (first, second):
            assert await reader.readuntil(b"\r\n\r\n0")
        third, _ = await connect()
        assert await told(third) == 503

        first[1].write(GET)
        assert await first[0].readuntil(b"\r\n\r\n0")
        second[1].close()
        await until(lambda: len(state.connections) == 1)
        reader, writer = await connect()
        writer.write(GET)
        assert await reader.readuntil(b"\r\n\r\n0")


def test_a_served_gateway_names_no_server(door):
    """No answer says which server or version made it."""
    for path in ("/healthz", "/v1/launches", "/nothing", "/"):
        headers = door.call("GET", path).headers
        assert "server" not in headers
        assert "x-powered-by" not in headers


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/v1/launches", "/v1/openapi.json", "/", "/sign-in"]
)
def test_every_address_is_for_known_hosts_alone(door, path):
    """A request for another host is refused at every address: no web page reaches the gateway by its own name."""
    reply = door.call("GET", path, host="evil.example")

    assert reply.status in {403, 421}
    assert door.call("GET", path, host="localhost").status not in {403, 421}


def test_a_body_beyond_its_bound_is_refused_early(door):
    """A body that says it is too large is answered 413 before any of it was sent."""
    connection = http.client.HTTPConnection(urlsplit(door.url).netloc, timeout=90)
    connection.putrequest("POST", "/v1/launches")
    for name, value in (("authorization", f"Bearer {door.key('test')}"), ("content-type", "application/json")):
        connection.putheader(name, value)
    connection.putheader("content-length", "100000000")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()

    assert answer.status == 413
    assert b"body-too-large" in body


def test_a_client_that_goes_away_is_no_error_of_ours(door, caplog):
    """A client that hangs up in the middle of its body is counted as gone, and the log has no error of it."""
    gone = 'flowlaunch_requests_total{operation="createLaunch",status="499"} '

    def counted():
        return door.call("GET", "/metrics").raw.decode().partition(gone)[2].partition("\n")[0]

    before = counted()
    connection = http.client.HTTPConnection(urlsplit(door.url).netloc, timeout=90)
    connection.putrequest("POST", "/v1/launches")
    connection.putheader("authorization", f"Bearer {door.key('test')}")
    connection.putheader("content-length", "1000")
    connection.endheaders(b"half")
    connection.close()
    pause, tries = threading.Event(), 0
    while counted() == before and tries < 3_000:
        pause.wait(0.02)
        tries += 1

    assert int(counted()) == int(before or 0) + 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_body_in_the_same_segment_is_no_head():
    """A body far beyond the bound of heads is taken also when it comes in one piece with its head."""
    async with listening() as (connect, _state):
        reader, writer = await connect()
        writer.write(
            b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 400000\r\n\r\n" + b"x" * 400_000
        )

        assert (await reader.read()).endswith(b"400000")
