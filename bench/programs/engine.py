"""Actions a second of a pure data flow, and the memory of one run of nearly 10,000 actions."""

import json
import sys
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

from flowlaunch.architect.interpret import drive, run
from flowlaunch.architect.load import load_flow
from flowlaunch.architect.standalone import StillHost

FLOW = Path(__file__).with_name("data_flow.yaml")
HOST = StillHost(moment=datetime(2026, 11, 21, tzinfo=UTC))
began = time.perf_counter()
flow = load_flow(FLOW.read_text("utf-8"), name=FLOW.name)
load_ms = (time.perf_counter() - began) * 1000


def once():
    result = drive(run(flow, {}, HOST), lambda effect: sys.exit(f"unexpected {effect}"))
    assert result.status == "COMPLETED", result.error
    return result.actions


once()
cpu, actions = time.process_time(), 0
while (spent := time.process_time() - cpu) < 2:
    actions += once()
tracemalloc.start()
once()
peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
print(json.dumps({"per_s": actions / spent, "load_ms": load_ms, "peak_mb": peak_mb, "actions": once()}))
