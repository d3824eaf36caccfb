"""A bare load generator: URL, key, launches, connections, keyed. Prints launches a second and latencies.

Every launch has an input and, when keyed, an idempotency key of its own; anything but 202 is an error.
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

URL, KEY, COUNT, CONNECTIONS, KEYED = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
FLOW = "f0000000-0000-4000-8000-000000000001"
RUN = f"{time.time():.3f}"


class Caller(asyncio.Protocol):
    """One connection that launches as soon as its last launch was answered."""

    def __init__(self, head, left, latencies, done):
        self.head, self.left, self.latencies, self.done = head, left, latencies, done
        self.seen = b""

    def connection_made(self, transport):
        self.transport = transport
        self.next()

    def next(self):
        number = next(self.left, None)
        if number is None:
            self.transport.close()
            return
        body = b'{"flow":"%s","input":{"Flow.customerName":"Ada","Flow.orderId":"%d"}}' % (FLOW.encode(), number)
        keyed = f"idempotency-key: {RUN}-{number}\r\n" if KEYED else ""
        self.began = time.perf_counter()
        self.transport.write(f"{self.head}{keyed}content-length: {len(body)}\r\n\r\n".encode() + body)

    def data_received(self, data):
        self.seen += data
        head, found, body = self.seen.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        assert b" 202 " in head[:16], self.seen[:600]
        self.latencies.append(time.perf_counter() - self.began)
        self.seen = b""
        self.next()

    def connection_lost(self, error):
        self.done.set_result(None)


async def main():
    parts = urlsplit(URL)
    head = (
        f"POST /v1/launches HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {KEY}\r\n"
        "content-type: application/json\r\n"
    )
    loop, latencies = asyncio.get_running_loop(), []
    left = iter(range(COUNT))
    ends = [loop.create_future() for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: Caller(head, left, latencies, end), parts.hostname, parts.port)
    await asyncio.gather(*ends)
    wall = time.perf_counter() - began
    ordered = sorted(latencies)
    at = {f"p{share}_ms": ordered[len(ordered) * share // 100] * 1000 for share in (50, 99)}
    print(json.dumps({"per_s": len(ordered) / wall, **at}))


import uvloop

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
