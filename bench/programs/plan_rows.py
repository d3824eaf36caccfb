"""Plan a batch of many rows as `flowlaunch batch plan` does: URL, rows. Prints rows a second and peak memory."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

URL, ROWS = sys.argv[1], int(sys.argv[2])

with tempfile.TemporaryDirectory() as name:
    source = Path(name) / "rows.csv"
    with source.open("w", encoding="utf-8") as file:
        file.write("customerName,orderId,priority\n")
        file.writelines(f"Customer {number},{number:08d},high\n" for number in range(ROWS))
    settings = {"GENESYSCLOUD_REGION": URL, "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
                "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret"}  # fmt: skip
    command = [sys.executable, "-m", "flowlaunch", "batch", "plan", str(source), "--flow", "Order follow-up",
               "--key", "orderId", "-o", "json", "--query", "rows"]  # fmt: skip
    began = time.perf_counter()
    ended = subprocess.run(command, env={**os.environ, **settings}, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - began
peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps({"rows": int(ended.stdout), "per_s": ROWS / seconds, "seconds": seconds, "peak_mb": peak_mb}))
