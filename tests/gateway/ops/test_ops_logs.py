"""Logs: one line a record, what it belongs to, and never a secret."""

import io
import json
import logging

import pytest

from flowlaunch.errors import InputError
from flowlaunch.gateway.ops import correlation
from flowlaunch.gateway.ops.correlation import Correlation, request_id_of, traceparent_of, valid_traceparent
from flowlaunch.gateway.ops.logs import configure
from flowlaunch.gateway.ops.options import OpsOptions

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
KEY = "flk_0123456789ab_" + "A1b2-" * 8 + "xyz"
own = logging.getLogger("flowlaunch.gateway.test")
foreign = logging.getLogger("other.library")


@pytest.fixture
def log():
    """Configure logging as a gateway does; return the lines written so far."""
    undo, stream = None, io.StringIO()

    def begun(**options):
        nonlocal undo
        undo = configure(OpsOptions(**({"log_format": "json"} | options)), stream)
        return lambda: stream.getvalue().splitlines()

    yield begun
    undo()


def test_a_record_is_one_json_line_with_what_it_belongs_to(log):
    """A record has instant, level, logger, message, the request's id and trace, and the fields it names."""
    lines = log()
    correlation.enter(Correlation("req-1", TRACE))
    own.info("launched\nin two lines", extra={"launch_id": "ln_1", "correlation_id": "c-9", "input": {"a": "b"}})
    correlation.enter(Correlation("req-1", is_over=True))
    own.info("later")

    first, second = map(json.loads, lines())
    assert first.pop("at").endswith("Z")
    assert first == {
        "level": "info", "logger": "flowlaunch.gateway.test", "message": "launched\nin two lines",
        "request_id": "req-1", "trace_id": "0af7651916cd43dd8448eb211c80319c", "launch_id": "ln_1",
        "correlation_id": "c-9",
    }  # fmt: skip
    assert "request_id" not in second


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize(
    "text",
    [
        f"the key {KEY} was given",
        "Authorization: Bearer abcDEF123456",
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "postgresql://user:hunter2hunter2@db/x",
        '{"client_secret": "hunter2hunter2"}',
    ],
)
def test_secrets_are_blotted_out(log, log_format, text):
    """Whatever a message repeats, keys, tokens, signing secrets and passwords are not in the log."""
    lines = log(log_format=log_format)
    own.warning("what came: %s", text)
    own.error("it failed", exc_info=InputError(text))

    written = "\n".join(lines())
    assert "[redacted]" in written
    for secret in ("A1b2", "abcDEF", "C2FVs", "hunter2"):
        assert secret not in written


def test_the_text_of_another_librarys_error_is_left_out(log):
    """Of an exception that is not ours, type and places are written: its text may repeat an input."""
    lines = log()
    try:
        int("input of Jane Doe")
    except ValueError:
        own.exception("the run failed")
    foreign.error("Task exception was never retrieved\nfuture: ValueError('input of Jane Doe')")

    first, second = map(json.loads, lines())
    assert first["error"]["type"] == "ValueError"
    assert first["error"]["at"][0].endswith("test_the_text_of_another_librarys_error_is_left_out")
    assert second["message"] == "Task exception was never retrieved"
    assert "Jane" not in "".join(lines())


def test_a_line_for_people_cannot_be_forged(log):
    """A line break or an escape sequence in what was sent does not begin a line or colour a terminal."""
    lines = log(log_format="text")
    own.info("asked for %s", "/a\n23:59:59 INFO all is well\x1b[31m", extra={"path": "/x\r\ny"})

    assert len(lines()) == 1
    assert "\x1b" not in lines()[0]


def test_a_long_message_is_cut(log):
    """No message takes more than its bound."""
    lines = log()
    own.info("x" * 100_000)

    assert len(lines()[0]) < 5_000


def test_levels_are_of_our_own_loggers(log):
    """The level asked for holds for flowlaunch; of other libraries warnings and worse are written."""
    lines = log(log_level="DEBUG")
    own.debug("ours")
    foreign.info("theirs")
    foreign.warning("their warning")

    assert [json.loads(line)["message"] for line in lines()] == ["ours", "their warning"]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (TRACE, TRACE),
        (f" {TRACE.upper()} ", TRACE),
        (f"01{TRACE[2:]}-more", TRACE),
        (f"{TRACE}-more", ""),
        (f"ff{TRACE[2:]}", ""),
        (TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32), ""),
        (TRACE.replace("b7ad6b7169203331", "0" * 16), ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_a_traceparent_is_taken_or_left(given, taken):
    """A trace that is valid is taken as version 00; anything else is passed over."""
    assert valid_traceparent(given) == taken
    assert traceparent_of({"traceparent": given}) == taken


def test_a_request_id_is_taken_or_made():
    """A caller's id that is short and plain is kept, any other is replaced."""
    assert request_id_of("a1-b.2_c") == "a1-b.2_c"
    for odd in ("", "a" * 65, "a b", "a\nb", "ä"):
        assert request_id_of(odd) not in {"", odd}


def test_each_request_is_one_line(open_door, log):
    """The access log has a request's name, status, key and launch, and its answer tells the id of the line."""
    lines = log()
    world = open_door()
    reply = world.launch(wait_s=50, h_x_request_id="my-own-id")
    world.call("GET", "/healthz")

    found = [json.loads(line) for line in lines()]
    (line,) = [one for one in found if one["logger"].endswith("access_log")]
    assert reply.headers["x-request-id"] == line["request_id"] == "my-own-id"
    assert line["operation"] == "createLaunch"
    assert line["status"] == 200
    assert line["launch_id"] == reply.json["id"]
    assert line["key_id"] == world.key("test").split("_")[1]


def test_the_access_log_can_be_off(open_door, log):
    """Without the access log requests leave no line."""
    lines = log()
    world = open_door(ops=OpsOptions(access_log=False))
    world.launch(wait_s=50)

    assert not [line for line in lines() if "access_log" in line]
