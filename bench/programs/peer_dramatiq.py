"""A Dramatiq task per row on Redis, launched by the official SDK: the module of its worker, and what fills the queue.

Run with a file of rows it puts a message for each; PEER_REDIS and PEER_URL say where Redis and the sandbox are.
"""

import csv
import os
import sys
import threading

import dramatiq
from dramatiq.brokers.redis import RedisBroker

FLOW = "f0000000-0000-4000-8000-000000000001"
HEARTBEAT_MS = 10_000
"""After how long a dead worker's messages are given to another; the default of a minute would only lengthen the run."""

dramatiq.set_broker(RedisBroker(url=os.environ["PEER_REDIS"], heartbeat_timeout=HEARTBEAT_MS, middleware=[]))
made = threading.local()


def api():
    if not hasattr(made, "api"):
        import PureCloudPlatformClientV2 as sdk

        sdk.configuration.host = os.environ["PEER_URL"]
        made.sdk = sdk
        made.api = sdk.ArchitectApi(sdk.api_client.ApiClient().get_client_credentials_token("demo", "demo-secret"))
    return made.sdk, made.api


@dramatiq.actor
def launch(customer, order):
    sdk, client = api()
    body = sdk.FlowExecutionLaunchRequest()
    body.flow_id = FLOW
    body.input_data = {"Flow.customerName": customer, "Flow.orderId": order}
    client.post_flows_executions(body)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            launch.send(row["customerName"], row["orderId"])
