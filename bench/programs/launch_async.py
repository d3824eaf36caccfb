"""CPU of one async launch, typed end to end: URL, launches, tasks in flight, `uvloop` or `asyncio`."""

import asyncio
import json
import sys
import time

from flowlaunch import AsyncClient

URL, COUNT, IN_FLIGHT, LOOP = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
INPUT = {"customerName": "Ada", "orderId": "4711", "priority": "high"}


async def main():
    async with AsyncClient(URL, client_id="demo", client_secret="demo-secret", pace_per_minute=None) as client:
        flow = await client.find_flow("Order follow-up")
        left = iter(range(COUNT))

        async def worker():
            for _ in left:
                launched = await client.launch(flow.id, INPUT)
                assert launched.id

        await worker_once(client, flow)
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        print(json.dumps({"cpu_us": cpu / COUNT * 1e6, "per_s": COUNT / wall}))


async def worker_once(client, flow):
    """Sign in and read the flow before the clock runs."""
    for _ in range(50):
        await client.launch(flow.id, INPUT)


if LOOP == "uvloop":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
else:
    asyncio.run(main())
