"""Launch one flow per row of a file by one of three ways, in processes of their own, judged by the sandbox.

Arguments: `flowlaunch`, `sdk` or `dramatiq`; rows; 1 to kill -9 the process in the middle and start it again. Prints
rows a second and CPU a row between the first launch and the last, launches too many, and rows never launched.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from child_processes import ChildProcess, run_child
from flowlaunch.sandbox import Sandbox

WAY, ROWS, IS_KILLED = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"
HERE = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
LONGEST_S = 240.0
QUIET = {name: text for name, text in os.environ.items() if not name.startswith(("GENESYS", "FLOWLAUNCH"))}


@contextmanager
def redis(folder):
    server = os.environ.get("BENCH_REDIS_SERVER") or shutil.which("redis-server")
    place = folder / "redis.sock"
    command = [server, "--port", "0", "--unixsocket", str(place), "--appendonly", "yes", "--dir", str(folder)]
    process = ChildProcess(command, stdout=subprocess.DEVNULL)
    try:
        while not place.exists():
            time.sleep(0.05)
        yield f"unix://{place}"
    finally:
        process.terminate()
        process.wait()


def command_of(source, url, settings, stack):
    """Return the command that works on the rows; what it needs beside is started, and its queue is filled."""
    if WAY == "sdk":
        return [sys.executable, "-W", "ignore", str(HERE / "peer_sdk_loop.py"), url, str(source)]
    if WAY == "flowlaunch":
        settings |= {"GENESYSCLOUD_REGION": url, "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
                     "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret"}  # fmt: skip
        return [sys.executable, "-m", "flowlaunch", "batch", "run", str(source), "--flow", "Order follow-up", "--key",
                "orderId", "--rate", "off", "--ramp", "off", "--no-track", "--max-in-doubt", "off", "--yes",
                "--concurrency", "16", "--quiet"]  # fmt: skip
    settings |= {"PEER_REDIS": stack.enter_context(redis(source.parent)), "PEER_URL": url, "PYTHONPATH": str(HERE)}
    run_child([sys.executable, str(HERE / "peer_dramatiq.py"), str(source)], env=settings, check=True)
    return [sys.executable, "-W", "ignore", "-m", "dramatiq", "peer_dramatiq", "--processes", "1", "--threads", "16"]


def cpu_s(root):
    """Return the CPU time of a process and its descendants."""
    parents, used = {}, {}
    for one in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = one.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        pid = int(one.parent.name)
        parents[pid], used[pid] = int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS
    family, size = {root}, 0
    while len(family) > size:
        size = len(family)
        family |= {pid for pid, parent in parents.items() if parent in family}
    return sum(used.get(pid, 0.0) for pid in family)


def end(process, sign):
    """End a process and its children."""
    os.killpg(process.pid, sign)
    process.wait()


def launched(sandbox):
    return Counter(one.inputs["Flow.orderId"] for one in sandbox.launches())


def main(folder, stack):
    source, settings = folder / "orders.csv", dict(QUIET)
    lines = (f"{number:06d},Customer {number}\n" for number in range(ROWS))
    source.write_text("orderId,customerName\n" + "".join(lines), encoding="utf-8")
    sandbox = stack.enter_context(Sandbox(rate_per_minute=None, journal_size=0))
    command = command_of(source, sandbox.url, settings, stack)

    def start():
        return ChildProcess(command, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                start_new_session=True)  # fmt: skip

    process, first, last, ends_s = start(), None, None, time.monotonic() + LONGEST_S
    while time.monotonic() < ends_s:
        time.sleep(0.1)
        seen = launched(sandbox)
        now = (time.perf_counter(), cpu_s(process.pid), sum(seen.values()))
        if seen and first is None:
            first = now
        if len(seen) < ROWS and process.poll() is None:
            last = now
        if IS_KILLED and sum(seen.values()) >= ROWS // 2:
            end(process, signal.SIGKILL)
            process, settings["PEER_AGAIN"] = start(), "1"
            globals()["IS_KILLED"] = False
        over = len(seen) == ROWS if WAY == "dramatiq" else process.poll() is not None
        if over:
            break
    if process.poll() is None:
        end(process, signal.SIGTERM)
    seen = launched(sandbox)
    seconds, cpu, rows = (after - before for after, before in zip(last, first, strict=True))
    print(json.dumps({
        "per_s": rows / seconds, "cpu_us": cpu / rows * 1e6, "twice": sum(seen.values()) - len(seen),
        "missing": ROWS - len(seen),
    }))  # fmt: skip


with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
    main(Path(name), opened)
