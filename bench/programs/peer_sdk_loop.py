"""What many write by hand: the official SDK on 16 threads over a file of rows, with a file of the keys that are done.

Arguments: URL, the file of rows. Started again, it passes over the keys that it has noted.
"""

import csv
import queue
import sys
import threading
from pathlib import Path

import PureCloudPlatformClientV2 as sdk

URL, SOURCE, THREADS = sys.argv[1], Path(sys.argv[2]), 16
FLOW = "f0000000-0000-4000-8000-000000000001"
DONE = SOURCE.with_suffix(".done")

sdk.configuration.host = URL
api = sdk.ArchitectApi(sdk.api_client.ApiClient().get_client_credentials_token("demo", "demo-secret"))


def launch(row):
    body = sdk.FlowExecutionLaunchRequest()
    body.flow_id = FLOW
    body.input_data = {"Flow.customerName": row["customerName"], "Flow.orderId": row["orderId"]}
    return api.post_flows_executions(body).id


def work(rows, noted, lock):
    while True:
        try:
            row = rows.get_nowait()
        except queue.Empty:
            return
        launch(row)
        with lock:
            noted.write(row["orderId"] + "\n")
            noted.flush()


def main():
    done = set(DONE.read_text("utf-8").split()) if DONE.exists() else set()
    rows = queue.Queue()
    with SOURCE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["orderId"] not in done:
                rows.put(row)
    lock = threading.Lock()
    with DONE.open("a", encoding="utf-8") as noted:
        threads = [threading.Thread(target=work, args=(rows, noted, lock)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


main()
