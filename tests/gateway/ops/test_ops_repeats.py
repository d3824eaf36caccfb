"""The log of a gateway that strangers try: so many lines of a kind, then a count."""

import io
import json
import logging
import re
import socket
from urllib.parse import urlsplit

import pytest

from flowlaunch.gateway.ops.logs import configure
from flowlaunch.gateway.ops.options import OpsOptions
from flowlaunch.gateway.ops.repeats import ACCESS, MOST, MOST_KINDS, Repeats, kind_of

server = logging.getLogger("uvicorn.error")
access = logging.getLogger(ACCESS)
own = logging.getLogger("flowlaunch.gateway.test")


class Time:
    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def log(time):
    """Configure logging as a gateway does, on a clock that moves when told; return what ends it, and the lines."""
    stream, ends = io.StringIO(), []

    def end():
        while ends:
            ends.pop()()

    ends.append(configure(OpsOptions(log_format="json"), stream, repeats=Repeats(most=3, every_s=60.0, now_s=time)))
    yield end, lambda: [json.loads(line)["message"] for line in stream.getvalue().splitlines()]
    end()


def test_what_comes_again_and_again_is_counted(log, time):
    """Of one kind of line so many are written in a minute, then one says how many more there were."""
    _end, lines = log
    for _ in range(123):
        server.warning("Invalid HTTP request received.")
    assert lines() == ["Invalid HTTP request received."] * 3
    time.now_s += 59
    own.info("all is well")
    assert len(lines()) == 4
    time.now_s += 1
    own.info("still")
    server.warning("Invalid HTTP request received.")

    assert lines()[4:] == [
        "Invalid HTTP request received. (and 120 more like it)", "still", "Invalid HTTP request received."
    ]  # fmt: skip


def test_what_is_not_told_yet_is_told_at_the_end(log):
    """A gateway that stops says how many lines it left out since the last count."""
    end, lines = log
    for _ in range(5):
        server.warning("Invalid HTTP request received.")
    end()

    assert lines()[-1] == "Invalid HTTP request received. (and 2 more like it)"


def request(operation="createLaunch", status=401, **more):
    return {"operation": operation, "status": status, "key_id": "", **more}


def test_requests_with_a_key_are_all_written(log):
    """Who has a key, and every genuine webhook, has a line for each request; refusals of strangers are counted."""
    _end, lines = log
    for _ in range(5):
        access.info("known", extra=request(status=202, key_id="0123"))
        access.info("webhook", extra=request("receiveWebhook", 202))
        access.info("forged", extra=request("receiveWebhook", 401))
        access.info("stranger", extra=request())
        access.info("other host", extra=request(status=421))

    assert {text: lines().count(text) for text in set(lines())} == {
        "known": 5, "webhook": 5, "forged": 3, "stranger": 3, "other host": 3
    }  # fmt: skip


def test_kinds_are_bounded(time):
    """However many kinds of lines there are, so many are told apart."""
    repeats = Repeats(most=1, now_s=time)
    for number in range(MOST_KINDS * 2):
        server.handle(record := server.makeRecord(server.name, logging.WARNING, "", 0, f"kind {number}", (), None))
        repeats.takes(record)

    assert len(repeats._kinds) == MOST_KINDS + 1


def test_our_own_lines_are_never_left_out():
    """A line that no stranger can cause is of no kind that is counted."""
    assert kind_of(own.makeRecord(own.name, logging.WARNING, "", 0, "the ledger cannot be written", (), None)) is None


def test_a_stranger_cannot_fill_the_log(open_door, time):
    """Malformed requests, other hosts, wrong keys and forged sign-ins by the hundred leave a few lines of each kind."""
    stream = io.StringIO()
    undo = configure(OpsOptions(log_format="json"), stream, repeats=Repeats(now_s=time))  # all in one minute
    try:
        door = open_door()
        place = urlsplit(door.url)
        for _ in range(MOST * 2):
            with socket.create_connection((place.hostname, place.port), 20) as raw:
                raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
                raw.recv(1_000)
            assert door.call("GET", "/healthz", host="elsewhere.example").status == 421
            assert door.call("GET", "/v1/launches", authorization="Bearer flk_0123456789ab_x").status == 401
            assert (
                door.call("POST", "/sign-in", b"key=x", content_type="application/x-www-form-urlencoded").status >= 400
            )
    finally:
        undo()
    lines = [json.loads(line)["message"] for line in stream.getvalue().splitlines()]
    assert len(lines) < MOST * 4 + 20
    left_out = [int(found[1]) for line in lines if (found := re.search(r"and (\d+) more", line))]
    assert len(left_out) == 4, lines
    assert all(MOST - 1 <= count <= MOST for count in left_out), left_out  # a last line may come after its answer
