"""A bare load generator: URL, launches, connections. Prints launches a second and latencies in ms."""

import asyncio
import json
import sys
import time
import urllib.request
from base64 import b64encode
from urllib.parse import urlsplit

URL, COUNT, CONNECTIONS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
BODY = json.dumps(
    {
        "flowId": "f0000000-0000-4000-8000-000000000001",
        "inputData": {"Flow.customerName": "Ada", "Flow.orderId": "4711", "Flow.priority": "high"},
    }
).encode()


def token():
    """Sign in."""
    basic = b64encode(b"demo:demo-secret").decode()
    request = urllib.request.Request(
        f"{URL}/oauth/token", b"grant_type=client_credentials", {"authorization": f"Basic {basic}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["access_token"]


class Caller(asyncio.Protocol):
    """One connection that launches as soon as its last launch was answered."""

    def __init__(self, request, left, latencies, done):
        self.request, self.left, self.latencies, self.done = request, left, latencies, done
        self.seen = b""

    def connection_made(self, transport):
        self.transport = transport
        self.next()

    def next(self):
        if next(self.left, None) is None:
            self.transport.close()
            return
        self.began = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data):
        self.seen += data
        head, found, body = self.seen.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        assert b" 200 " in head[:16], head[:200]
        self.latencies.append(time.perf_counter() - self.began)
        self.seen = b""
        self.next()

    def connection_lost(self, error):
        self.done.set_result(None)


async def main():
    parts = urlsplit(URL)
    head = (
        f"POST /api/v2/flows/executions HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {token()}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n"
    )
    loop, latencies = asyncio.get_running_loop(), []
    left = iter(range(COUNT))
    ends = [loop.create_future() for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for end in ends:
        await loop.create_connection(
            lambda end=end: Caller(head.encode() + BODY, left, latencies, end), parts.hostname, parts.port
        )
    await asyncio.gather(*ends)
    wall = time.perf_counter() - began
    ordered = sorted(latencies)
    at = {f"p{share}_ms": ordered[len(ordered) * share // 100] * 1000 for share in (50, 99)}
    print(json.dumps({"per_s": len(ordered) / wall, **at}))


import uvloop

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
