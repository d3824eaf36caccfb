"""The page kit: how values are written, lists are cut, and readers are told of changes."""

import asyncio
from datetime import UTC, datetime

import pytest

from flowlaunch.errors import LedgerBusyError
from flowlaunch.pages.answers import PageError
from flowlaunch.pages.charts import Bar, Part, bars, share
from flowlaunch.pages.formats import json_html, short, span, when
from flowlaunch.pages.guard import Guard, HostNames
from flowlaunch.pages.live import MAX_READERS, Changes


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0304, "30 ms"), (3.04, "3.0 s"), (60, "1 min"), (3_725, "1 h 2 min"), (90_000, "1 d 1 h")]
)
def test_a_length_of_time_has_its_two_largest_units(seconds, text):
    """A length of time is as exact as a reader needs."""
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (950, "950"), (1_234, "1.2k"), (250_000, "250k"), (3.4e6, "3.4M")]
)
def test_a_large_number_is_short(number, text):
    """A number in a chart takes at most five characters."""
    assert short(number) == text


def test_an_instant_is_written_in_utc_with_its_zone():
    """Without scripts an instant is readable, and says that it is UTC."""
    text = when(datetime(2026, 11, 21, 14, 3, 22, 123_000, UTC), "exact")

    assert 'datetime="2026-11-21T14:03:22.123Z"' in text
    assert 'title="2026-11-21 14:03:22.123 UTC"' in text


def test_json_is_escaped_and_bounded():
    """JSON of a caller is shown as text, and neither a huge nor a deep one makes a huge page."""
    deep = []
    for _ in range(100):
        deep = [deep]

    assert "<b>" not in json_html({"<b>": "<b>&\"'"})
    assert len(json_html(["x" * 100] * 100_000)) < 500_000
    assert len(json_html("y" * 1_000_000)) < 5_000
    assert "\N{HORIZONTAL ELLIPSIS}" in json_html(deep)


def test_charts_say_their_figures_in_words():
    """A chart has a name for those who do not see it, and a title for each part."""
    drawn = bars([Bar("first <5>", (("ok", 3), ("bad", 1)))], "4 requests", limit=10)

    assert 'role="img" aria-label="4 requests"' in drawn
    assert "<title>first &lt;5&gt;</title>" in drawn
    assert 'class="limit"' in drawn
    assert "<title>Failed: 1</title>" in share([Part("Done", 1_000_000, "ok"), Part("Failed", 1, "bad")], "all")
    assert share([Part("Done", 0, "ok")], "none").count("<rect") == 0


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [("localhost:8085", True), ("127.0.0.1", True), ("[::1]:80", True), ("Gate.Example:443", True), ("::1", True),
     ("evil.example", False), ("localhost.evil.example", False), ("", False), ("gate.example.evil", False)],
)  # fmt: skip
def test_only_named_hosts_are_served(host, is_allowed):
    """A Host header is allowed by its whole name, whatever its port."""
    assert (host in HostNames(["gate.example"])) is is_allowed


def test_a_token_belongs_to_one_session():
    """The CSRF token of one session is worth nothing in another, nor after the secret changed."""
    guard = Guard(lambda _: True, b"one")

    guard.check_token("anna", guard.token("anna"))
    for other in (guard.token("ben"), Guard(lambda _: True, b"two").token("anna")):
        with pytest.raises(PageError) as refused:
            guard.check_token("anna", other)
        assert refused.value.status == 403


async def test_readers_hear_of_a_change():
    """Every reader gets an event when the value changed, and the stream ends when the server stops."""
    value = [0]

    async def version():
        return value[0]

    changes = Changes(version, every_s=0.01)
    streams = [changes.stream() for _ in range(5)]
    firsts = [await anext(stream) for stream in streams]
    value[0] = 1

    heard = await asyncio.gather(*(anext(stream) for stream in streams))

    assert all(b"event: ready" in first for first in firsts)
    assert heard == [b"event: changed\ndata: \n\n"] * 5
    changes.stop()
    assert [await anext(stream, None) for stream in streams] == [None] * 5


async def test_readers_share_one_look():
    """However many pages are open, the value is asked for once."""
    asked = []

    async def version():
        asked.append(None)
        await asyncio.sleep(0)
        return len(asked)

    changes = Changes(version, every_s=3_600)

    await asyncio.gather(*(anext(changes.stream()) for _ in range(20)))

    assert len(asked) == 1


async def test_a_value_that_cannot_be_told_ends_no_stream():
    """While the ledger is busy open pages stay as they are, and go on when it is free again."""
    troubles = [LedgerBusyError("busy"), LedgerBusyError("busy")]

    async def version():
        if troubles:
            raise troubles.pop()
        return "free"

    stream = Changes(version, every_s=0.001).stream()

    assert b"ready" in await anext(stream)
    assert b"changed" in await anext(stream)
    await stream.aclose()


async def test_readers_are_limited():
    """One reader too many is refused until another leaves."""

    async def version():
        return 0

    changes = Changes(version, every_s=0.01)
    streams = [changes.stream() for _ in range(MAX_READERS)]
    for stream in streams:
        await anext(stream)

    with pytest.raises(PageError) as refused:
        changes.admit()
    assert refused.value.status == 503

    for stream in streams:
        await stream.aclose()
    changes.admit()
