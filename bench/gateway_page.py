"""The gateway's page and memory with a million launches in its ledger."""

from __future__ import annotations

import http.client
import os
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from bench.gateway import gateway
from bench.measure import Row, program, sandbox

COUNT = int(os.environ.get("BENCH_LAUNCHES", "1000000"))
MORE = int(os.environ.get("BENCH_ACCEPTED", "20000"))
GROWN = int(os.environ.get("BENCH_GROWN", "100000"))
PAGES = {
    "overview": "/",
    "newest launches": "/launches",
    "those that failed": "/launches?state=failed",
    "those in doubt": "/launches?state=in_doubt",
    "one, by its idempotency key": "/launches?search=k-500-1-4-8-64",
}
ASKED = 15


def rows():
    """Measure pages and the API at 0 and at so many launches, and what so many and some more take of memory."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder, sandbox() as url:
        few, many = Path(folder) / "few.ledger", Path(folder) / "many.ledger"
        program("many_launches.py", few, 1_000)
        made = program("many_launches.py", many, COUNT)
        before, after = measured(url, few), measured(url, many)
        yield Row(f"ledger of {made['launches']:,} launches", f"{made['mb']:.0f} MB")
        for name in after["pages"]:
            ours, small = after["pages"][name], before["pages"][name]
            yield Row(
                f"page: {name}, {COUNT:,} launches",
                f"{ours:.0f} ms",
                f"{small:.0f} ms at 1,000",
                f"{ours / small:.1f}x",
            )
        for when in ("start", "pages", "launches"):
            ours, small = after["mb"][when], before["mb"][when]
            what = {"start": "at the start", "pages": "after the pages", "launches": f"after {MORE:,} more"}[when]
            yield Row(f"memory of the gateway {what}, {COUNT:,} launches", f"{ours:.0f} MB", f"{small:.0f} MB at 1,000")
        began, ended, per_s = grown(url, Path(folder) / "grown.ledger")
        shown = f"{ended:.0f} MB, {per_s:.0f}/s"
        yield Row(f"memory of a gateway that accepted {GROWN:,} launches over HTTP", shown, f"{began:.0f} MB before")


def grown(url, ledger):
    """Accept ever more launches in one process; return its memory in MB before and after, and launches a second."""
    key, steps = admin_key(ledger), 10
    with gateway(url, "--accept-only", "--ledger", str(ledger)) as (door, *_):
        began = memory_mb(door)
        rates = [program("gateway_load.py", door, key, GROWN // steps, 64, 1)["per_s"] for _ in range(steps)]
        return began, memory_mb(door), sum(rates) / steps


def measured(url, ledger):
    """Serve a ledger; return the median of each page in ms, and the memory in MB."""
    key = admin_key(ledger)
    with gateway(url, "--accept-only", "--ledger", str(ledger)) as (door, *_):
        memory = {"start": memory_mb(door)}
        visitor = Visitor(door, key)
        pages = {name: visitor.median_ms(path) for name, path in PAGES.items()}
        pages["the thousandth page of the API"] = visitor.deep_ms(key)
        memory["pages"] = memory_mb(door)
        program("gateway_load.py", door, key, MORE, 64, 1)
        memory["launches"] = memory_mb(door)
    return {"pages": pages, "mb": memory}


def admin_key(ledger):
    from flowlaunch.batch.ledger import open_ledger
    from flowlaunch.gateway.access.keys import Keys

    with open_ledger(ledger) as opened:
        return Keys(opened.store).create("bench", ["admin"], who="bench").key


def memory_mb(door):
    connection = http.client.HTTPConnection(urlsplit(door).netloc, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return float(text.partition("\nprocess_resident_memory_bytes ")[2].split()[0]) / 1e6


class Visitor:
    """Somebody signed in to the page."""

    def __init__(self, door, key):
        self.connection = http.client.HTTPConnection(urlsplit(door).netloc, timeout=60)
        form = {"content-type": "application/x-www-form-urlencoded", "origin": door}
        self.connection.request("POST", "/sign-in", urlencode({"key": key}), form)
        answer = self.connection.getresponse()
        answer.read()
        self.headers = {"cookie": answer.headers["set-cookie"].partition(";")[0]}

    def median_ms(self, path):
        """Ask for a page several times; the first time does not count."""
        took = []
        for _ in range(ASKED + 1):
            began = time.perf_counter()
            self.connection.request("GET", path, headers=self.headers)
            answer = self.connection.getresponse()
            size = len(answer.read())
            took.append(time.perf_counter() - began)
            assert answer.status == 200, (path, answer.status)
            assert size > 1_000, (path, size)
        return statistics.median(took[1:]) * 1000

    def deep_ms(self, key):
        """Walk a thousand pages of the API, or to the end; return the median of the last ones."""
        cursor, took = "", []
        for _ in range(1_000):
            began = time.perf_counter()
            self.connection.request("GET", f"/v1/launches?limit=50{cursor}", headers={"authorization": f"Bearer {key}"})
            body = self.connection.getresponse().read()
            took.append(time.perf_counter() - began)
            following = body.rpartition(b'"next":')[2].strip(b'"}')
            if following == b"null":
                break
            cursor = f"&cursor={following.decode()}"
        return statistics.median(took[-20:]) * 1000
