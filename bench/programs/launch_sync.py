"""CPU of one sync launch: URL, launches, threads."""

import json
import sys
import threading
import time

from flowlaunch import Client

URL, COUNT, THREADS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
INPUT = {"customerName": "Ada", "orderId": "4711", "priority": "high"}

with Client(URL, client_id="demo", client_secret="demo-secret", pace_per_minute=None) as client:
    flow = client.find_flow("Order follow-up")

    def work(count):
        for _ in range(count):
            assert client.launch(flow.id, INPUT).id

    work(50)
    threads = [threading.Thread(target=work, args=(COUNT // THREADS,)) for _ in range(THREADS)]
    cpu, wall = time.process_time(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps({"cpu_us": cpu / COUNT * 1e6, "per_s": COUNT / wall}))
