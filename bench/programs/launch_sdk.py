"""CPU of one launch by the official SDK: URL, launches, threads."""

import json
import sys
import threading
import time

import PureCloudPlatformClientV2 as sdk

URL, COUNT, THREADS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
FLOW = "f0000000-0000-4000-8000-000000000001"

sdk.configuration.host = URL
api = sdk.ArchitectApi(sdk.api_client.ApiClient().get_client_credentials_token("demo", "demo-secret"))


def work(count):
    for _ in range(count):
        body = sdk.FlowExecutionLaunchRequest()
        body.flow_id = FLOW
        body.input_data = {"Flow.customerName": "Ada", "Flow.orderId": "4711", "Flow.priority": "high"}
        assert api.post_flows_executions(body).id


work(50)
threads = [threading.Thread(target=work, args=(COUNT // THREADS,)) for _ in range(THREADS)]
cpu, wall = time.process_time(), time.perf_counter()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
print(json.dumps({"cpu_us": cpu / COUNT * 1e6, "per_s": COUNT / wall}))
