"""Files of batches on the disk: bounded in number and size, gone once they are read, and nothing left half received."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from test_gateway_batches import ROWS, until, upload

from flowlaunch.errors import InputError, LedgerBusyError
from flowlaunch.gateway.launches import uploads


def names(door):
    return sorted(one.name for one in Path(door.state.options.uploads).iterdir())


def until_names(door, wanted):
    """Wait until the folder holds what is wanted."""
    pause = threading.Event()
    for _ in range(3_000):
        if wanted(names(door)):
            return
        pause.wait(0.02)
    raise AssertionError(names(door))


def half_sent(door, size_bytes=1_000_000):
    """Begin to send a file and return the connection once a part of it is on the gateway's disk."""
    connection = http.client.HTTPConnection(urlsplit(door.url).netloc, timeout=90)
    connection.putrequest("POST", "/v1/batches?flow=Order%20follow-up")
    for name, value in (
        ("authorization", f"Bearer {door.key('test')}"), ("content-type", "text/csv"),
        ("content-length", str(size_bytes)),
    ):  # fmt: skip
        connection.putheader(name, value)
    connection.endheaders(ROWS)
    until_names(door, lambda held: any(name.endswith(".part") for name in held))
    return connection


def failing(error, times=1, then=None):
    """Return what raises so often, and then does as `then`."""
    left = [error] * times

    def act(*given):
        if left:
            raise left.pop()
        return then(*given)

    return act


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "uploads"
    path.mkdir()
    return path


def test_a_file_goes_once_its_rows_are_in_the_ledger(open_door):
    """What was uploaded is on the disk only until it is read, and the same file is known again after that."""
    door = open_door()
    first = upload(door, idempotency_key="spring")
    batch_id = first.json["id"]
    until(door, batch_id, phase="paused")
    until_names(door, lambda held: [name[-9:] for name in held] == [".csv.json"])
    again = upload(door, idempotency_key="spring")
    assert (again.status, again.json["id"]) == (202, batch_id)
    other = upload(door, ROWS + b"u-9,Cy\n", idempotency_key="spring")
    assert (other.status, other.problem) == (409, "key-reused")
    assert len(names(door)) == 1


def test_files_received_at_once_are_bounded(open_door, folder):
    """One file too many at once is 429 with Retry-After, and is taken when another one is through or gone."""
    door = open_door(max_uploads_at_once=1)
    held = half_sent(door)
    refused = upload(door)
    assert (refused.status, refused.problem) == (429, "uploads-busy")
    assert int(refused.headers["retry-after"]) > 0
    held.close()
    until_names(door, lambda found: found == [])
    turn, taken = threading.Event(), upload(door)
    for _ in range(3_000):  # its place is free a moment after its file is gone
        if taken.status != 429:
            break
        turn.wait(0.02)
        taken = upload(door)
    assert taken.status == 202


@pytest.mark.parametrize("is_told", [True, False], ids=["length told", "length not told"])
def test_the_room_for_files_is_bounded(open_door, folder, is_told):
    """A file for which there is no room is 507 with what to do, and nothing of it is kept."""
    door = open_door(max_unread_upload_bytes=len(ROWS) + 100)
    content = ROWS + b"u-8,Cy\n" * 20
    with closing(http.client.HTTPConnection(urlsplit(door.url).netloc, timeout=90)) as connection:
        headers = {"authorization": f"Bearer {door.key('test')}", "content-type": "text/csv"}
        body = content if is_told else iter([content[:100], content[100:]])
        connection.request("POST", "/v1/batches?flow=Order%20follow-up", body, headers, encode_chunked=not is_told)
        answer = connection.getresponse()
        text = answer.read().decode()
    assert answer.status == 507
    assert "uploads-full" in text
    assert "cancel" in text
    assert names(door) == []
    assert upload(door).status == 202


def test_a_file_whose_sender_hangs_up_leaves_nothing(open_door, folder):
    """When the sender goes away in the middle, what came is removed and no batch is made."""
    door = open_door()
    half_sent(door).close()
    until_names(door, lambda found: found == [])
    assert door.call("GET", "/v1/batches").json["batches"] == []


def test_what_a_killed_gateway_received_is_swept(open_door, folder):
    """At the start half files of processes that ended are removed; those of another one that lives are left."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    old = folder / "0f.csv"
    for name in (f"{ended.pid}-aa.part", f"{ended.pid}-aa.part.json.part", f"{os.getpid()}-bb.part"):
        (folder / name).write_bytes(b"a,b\n")
    for path in (folder / f"{os.getppid()}-cc.part", old, folder / "0f.csv.json", folder / "new.csv"):
        path.write_bytes(b"a,b\n")
    for path in (old, folder / "0f.csv.json"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    door = open_door()
    assert names(door) == [f"{os.getppid()}-cc.part", "new.csv"]


def test_a_file_that_cannot_be_read_goes_with_its_batch(open_door, folder, monkeypatch):
    """A file that cannot be read takes a place until its batch is cancelled; the answer says so."""
    monkeypatch.setattr(uploads, "load_rows", failing(InputError("read the rows: Input/output error")))
    door = open_door(max_unread_uploads=1)
    broken = upload(door)
    assert broken.status == 202, broken.raw
    batch_id = broken.json["id"]
    pause = threading.Event()
    while not (shown := door.call("GET", f"/v1/batches/{batch_id}").json)["trouble"]:
        pause.wait(0.02)
    assert shown["phase"] == "loading"
    refused = upload(door)
    assert (refused.status, refused.problem) == (507, "uploads-full")
    cancelled = door.call("POST", f"/v1/batches/{batch_id}/cancel").json
    assert (cancelled["phase"], cancelled["trouble"]) == ("ended", None)
    assert upload(door).status == 202
    assert door.launched() == 0


def test_a_file_is_read_again_after_a_trouble_that_passes(open_door, monkeypatch):
    """While the ledger or the platform is not there, the file waits, and is read when they are back."""
    monkeypatch.setattr(uploads, "AGAIN_S", 0.01)
    monkeypatch.setattr(uploads, "load_rows", failing(LedgerBusyError("write rows: in use"), 3, uploads.load_rows))
    door = open_door()
    shown = until(door, upload(door).json["id"], phase="paused")
    assert (shown["trouble"], shown["counts"]["pending"]) == (None, 2)


def test_a_file_that_was_read_before_a_crash_goes_at_the_start(open_door, folder):
    """A file whose rows were in the ledger when the gateway ended is removed by the next one."""
    door = open_door()
    batch_id = upload(door).json["id"]
    until(door, batch_id, phase="paused")
    until_names(door, lambda held: len(held) == 1)
    source = Path(door.state.ledger.batch(batch_id).spec.source)
    source.write_bytes(ROWS)
    door.state.uploads.start()
    assert not source.exists()
    assert names(door) == [f"{source.name}.json"]


def test_a_file_sent_for_a_route_has_the_routes_priority(open_door, tmp_path):
    """Rows uploaded for a route compete with the priority of the route, and wait for the start all the same."""
    (tmp_path / "routes.toml").write_text('[routes.urgent]\nflow = "Order follow-up"\npriority = 8\n')
    door = open_door(routes_file=tmp_path / "routes.toml")
    batch_id = door.call("POST", "/v1/batches?route=urgent&key=orderId", ROWS, content_type="text/csv").json["id"]
    until(door, batch_id, phase="paused")
    assert door.launched() == 0
    assert door.call("POST", f"/v1/batches/{batch_id}/start").status == 200
    until(door, batch_id, phase="ended")
    assert door.state.ledger.controls(batch_id).priority == 16
