"""Stopping: what is under way is finished, nothing holds the end up, and the next start goes on."""

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from receiving import ask, signed_in

from child_processes import ChildProcess

ENOUGH_S = 50.0


@contextmanager
def served(folder, *options):
    """Serve a gateway with a sandbox in a process; yield the process, its address, a key and the lines of its log."""
    command = [
        sys.executable, "-m", "flowlaunch", "gateway", "serve", "--sandbox", "--port", "0", "--log-format", "json",
        "--ledger", str(folder / "gateway.ledger"), *options,
    ]  # fmt: skip
    lines, keys, known = [], [], threading.Event()
    with ChildProcess(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:

        def read():
            for line in process.stderr:
                lines.append(line)
                found = re.search(r"flk_\w{12}_[\w-]{43}", line)
                if found:
                    keys.append(found[0])
                    known.set()

        reader = threading.Thread(target=read)
        reader.start()
        try:
            url = process.stdout.readline().strip()
            assert known.wait(ENOUGH_S), lines
            yield process, url, keys[-1], lines
        finally:
            process.kill()
            process.wait(10)
            reader.join(10)


def stopped(process, number=signal.SIGTERM):
    """Ask the process to stop; return its exit code and the seconds it took."""
    began_s = time.monotonic()
    process.send_signal(number)
    code = process.wait(ENOUGH_S)
    return code, time.monotonic() - began_s


def test_a_stop_finishes_what_is_under_way(tmp_path):
    """On SIGTERM waiting requests are answered, open pages and idle connections end, and the process ends well."""
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = json.dumps({"flow": "Order follow-up", "input": {"customerName": "A", "orderId": "1"}, "not_before": later})
    with served(tmp_path) as (process, url, key, lines):
        cookie = signed_in(url, key)
        idle, page = (http.client.HTTPConnection(urlsplit(url).netloc, timeout=ENOUGH_S) for _ in range(2))
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        page.request("GET", "/events", headers={"cookie": cookie})
        stream = page.getresponse()
        assert stream.status == 200
        assert stream.readline()
        answers = []
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "prefer": "wait=60"}
        waiting = threading.Thread(target=lambda: answers.append(ask(url, "POST", "/v1/launches", body, **headers)))
        waiting.start()
        counted = {"authorization": f"Bearer {key}"}
        until(lambda: b'state="pending"} 1' in ask(url, "GET", "/metrics", **counted)[2])

        code, took_s = stopped(process)
        waiting.join(ENOUGH_S)
        stream.read()
        idle.close()
        page.close()

    assert code == 0
    assert took_s < 40  # the waiting request asked for 60 s, the page for ever
    assert answers[0][0] == 202
    assert not [line for line in lines if '"error"' in line or "Traceback" in line]
    said = [json.loads(line)["message"] for line in lines]  # also what is said to a person is a line of JSON
    assert [text for text in said if text.startswith("an API key to try things with: flk_")]
    with served(tmp_path) as (process, url, key, _lines):
        launch_id = json.loads(answers[0][2])["id"]
        found = ask(url, "GET", f"/v1/launches/{launch_id}", authorization=f"Bearer {key}")
        assert json.loads(found[2])["state"] == "pending"
        assert stopped(process, signal.SIGINT)[0] == 0


def until(holds):
    """Wait for a condition of another process."""
    pause, ends_s = threading.Event(), time.monotonic() + ENOUGH_S
    while not holds():
        assert time.monotonic() < ends_s
        pause.wait(0.05)
