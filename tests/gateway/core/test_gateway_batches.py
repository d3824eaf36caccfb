"""Batches through the gateway: a file of rows is uploaded, started, steered and read."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest

from flowlaunch.gateway.store import audit

ROWS = b"orderId,customerName\nu-1,Ann\nu-2,Bo\nu-2,Bo\nu-3\n"


def upload(door, content=ROWS, query="", kind="text/csv", **headers):
    path = f"/v1/batches?flow=Order%20follow-up&key=orderId{query}"
    return door.call("POST", path, content, content_type=kind, **headers)


def until(door, batch_id, **wanted):
    """Ask until a batch stands as wanted."""
    pause = threading.Event()
    for _ in range(3_000):
        shown = door.call("GET", f"/v1/batches/{batch_id}").json
        if wanted.items() <= shown.items():
            return shown
        pause.wait(0.02)
    raise AssertionError(shown)


def results(door, batch_id, query=""):
    raw = door.call("GET", f"/v1/batches/{batch_id}/results{query}").raw
    return [msgspec.json.decode(line) for line in raw.splitlines()]


def test_an_uploaded_file_waits_until_it_is_started(open_door):
    """Rows of a file are read and judged at once, and launched only when somebody starts the batch."""
    door = open_door()
    reply = upload(door, query="&name=spring")
    assert (reply.status, reply.json["kind"], reply.json["name"]) == (202, "upload", "spring")
    [line] = audit.read(door.state.ledger.store, what="batch.upload")
    assert (line.target, line.facts["name"]) == (f"batch:{reply.json['id']}", "spring")
    batch_id = reply.json["id"]
    shown = until(door, batch_id, phase="paused")
    assert shown["counts"] == {"pending": 2, "skipped": 1, "rejected": 1}
    assert door.launched() == 0

    assert door.call("POST", f"/v1/batches/{batch_id}/start").status == 200
    shown = until(door, batch_id, phase="ended")
    assert shown["counts"] == {"completed": 2, "skipped": 1, "rejected": 1}
    assert [door.launched(orderId=f"u-{n}") for n in (1, 2, 3)] == [1, 1, 0]
    found = results(door, batch_id)
    assert [(one["result"]["key"], one["result"]["state"]) for one in found[:2]] == [
        ("u-1", "completed"), ("u-2", "completed"),
    ]  # fmt: skip
    assert found[0]["output"]["Flow.team"] == "orders"
    assert len(results(door, batch_id, "?state=rejected")) == 1
    csv = door.call("GET", f"/v1/batches/{batch_id}/results?format=csv")
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(csv.raw.splitlines()) == 5


def test_a_file_that_is_sent_again_is_the_same_batch(open_door):
    """The same file under the same key is one batch; another file under that key is refused with 409."""
    door = open_door()
    first = upload(door, query="&start=true", idempotency_key="spring-1")
    again = upload(door, query="&start=true", idempotency_key="spring-1")
    assert (again.status, again.json["id"]) == (202, first.json["id"])
    assert again.headers["idempotent-replayed"] == "true"
    other = upload(door, ROWS + b"u-9,Cy\n", idempotency_key="spring-1")
    assert (other.status, other.problem) == (409, "key-reused")
    until(door, first.json["id"], phase="ended")
    assert [door.launched(orderId=f"u-{n}") for n in (1, 2, 9)] == [1, 1, 0]


def test_rows_of_json_are_taken_too(open_door):
    """One JSON object a line is a batch as well."""
    door = open_door()
    lines = b'{"orderId": "n-1", "customerName": "A"}\n{"orderId": "n-2", "customerName": "B"}\n'
    reply = upload(door, lines, query="&start=true", kind="application/x-ndjson")
    assert until(door, reply.json["id"], phase="ended")["counts"] == {"completed": 2}


@pytest.mark.parametrize(
    ("content", "kind", "query", "status", "problem"),
    [
        (ROWS, "application/pdf", "", 415, "media-type"),
        (b"", "text/csv", "", 422, "body-invalid"),
        (b"a,b\n1,2\n", "text/csv", "", 422, "input-rejected"),
        (ROWS, "text/csv", "&route=x", 422, "route-or-flow"),
        (ROWS, "text/csv", "&colour=red", 400, "query-malformed"),
    ],
)
def test_a_file_that_cannot_be_launched_is_refused(open_door, content, kind, query, status, problem):
    """What is wrong with a file or its columns is told at once, and nothing of it is kept."""
    door = open_door()
    reply = upload(door, content, query, kind)
    assert (reply.status, reply.problem) == (status, problem)
    folder = Path(door.state.options.uploads)
    assert not folder.exists() or list(folder.iterdir()) == []
    assert door.call("GET", "/v1/batches").json["batches"] == []


def test_a_file_over_the_limit_is_refused(open_door):
    """A file that is too large is 413, and no part of it stays on the disk."""
    door = open_door(max_upload_bytes=1_000)
    reply = upload(door, ROWS + b"u-8,Cy\n" * 500)
    assert (reply.status, reply.problem) == (413, "body-too-large")
    assert list(Path(door.state.options.uploads).iterdir()) == []


def test_a_running_batch_is_steered(open_door):
    """A batch can be slowed, paused, cancelled; what was not sent is cancelled and stays so."""
    door = open_door()
    rows = b"orderId,customerName\n" + b"".join(b"s-%d,A\n" % n for n in range(40))
    batch_id = upload(door, rows).json["id"]
    until(door, batch_id, phase="paused")
    paced = door.call("POST", f"/v1/batches/{batch_id}/pace", {"rate_per_minute": 60, "concurrency": 2})
    assert (paced.json["controls"]["rate_per_minute"], paced.json["controls"]["concurrency"]) == (60, 2)
    assert door.call("POST", f"/v1/batches/{batch_id}/cancel").json["phase"] == "ended"
    assert until(door, batch_id, counts={"cancelled": 40})["phase"] == "ended"
    assert door.launched() == 0
    assert door.call("POST", f"/v1/batches/{batch_id}/retry", {"states": ["failed"]}).json == {"rows": 0}
    assert door.call("GET", "/v1/batches/77").problem == "batch-unknown"
