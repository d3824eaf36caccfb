"""Parts of the gateway's page that need no browser: masking, figures over time, and how fast answers leave."""

import asyncio
import socket
from collections import Counter
from types import SimpleNamespace

import pytest

from flowlaunch.gateway.page.masking import masked
from flowlaunch.gateway.page.pulse import Pulse
from flowlaunch.gateway.serve import bound as gateway_socket
from flowlaunch.gateway.store.gauges import Glance
from flowlaunch.pages.formats import Hidden, json_html
from flowlaunch.sandbox.server import bind as sandbox_socket

MINUTE_US = 60_000_000


def test_masking_keeps_names_and_shapes():
    """What a payload is about stays readable; what it says does not."""
    given = {"name": "Jane", "tags": ["a", "bb"], "vip": True, "age": 41, "nothing": None}

    assert masked(given, reveal=False) == {
        "name": Hidden("text, 4 characters"),
        "tags": [Hidden("text, 1 character"), Hidden("text, 2 characters")],
        "vip": True,
        "age": Hidden("number"),
        "nothing": None,
    }
    assert masked(given, reveal=True) == given


@pytest.mark.parametrize(
    "name",
    [
        "password", "apiKey", "Flow.cardNumber", "cvv", "PIN", "customer_iban", "accessToken", "Flow.userPin",
        "Flow.cardCvv", "Flow.customerSSN", "passcode", "passCode", "pwd", "userpwd", "otp", "OTPCode", "user.pin",
        "PINs", "pin2", "card-no", "creditcardnumber", "X-API-Key", "clientSecret", "customerIBAN", "securityCode",
    ],
)  # fmt: skip
def test_values_named_like_secrets_stay_hidden(name):
    """Asking for the values does not show what is named like a secret."""
    shown = json_html(masked({"order": {name: "4111 1111"}}, reveal=True))

    assert "4111" not in shown
    assert name in shown


@pytest.mark.parametrize(
    "name",
    [
        "Flow.shippingAddress", "opinion", "pinned", "topic", "laptop", "businessName", "lessonNumber", "secretaryName",
        "passport", "compassCode", "cardNote", "hotpot", "Flow.spinCount", "shipping", "classNote",
    ],
)  # fmt: skip
def test_names_that_only_look_like_secrets_are_shown(name):
    """A word with `pin` or `otp` somewhere in it is not taken for a secret."""
    assert masked({name: "Main Street 1"}, reveal=True) == {name: "Main Street 1"}


def test_a_payload_nested_without_end_ends():
    """A payload however deep makes a page of bounded size."""
    deep = "x"
    for _ in range(900):
        deep = [deep]

    assert len(json_html(masked(deep, reveal=True))) < 10_000


def seen(**rows):
    """Make a look at a ledger with one batch."""
    return Glance(rows={(1, state): count for state, count in rows.items()}, callbacks={}, slots_used=0)


def test_the_chart_counts_what_is_new_in_each_minute():
    """A bar is what was launched in that minute, by outcome; what was there at the start is not new."""
    pulse = Pulse(SimpleNamespace())
    pulse.take(seen(completed=100), 10 * MINUTE_US)
    pulse.take(seen(completed=103, launched=2, in_doubt=1), 10 * MINUTE_US + 5)
    pulse.take(seen(completed=110, launched=1, in_doubt=1, refused=4), 12 * MINUTE_US)

    bars = pulse.bars(12 * MINUTE_US)

    assert len(bars) == 30
    assert [Counter(dict(bar.amounts)) for bar in bars[-3:]] == [
        Counter(run=5, doubt=1), Counter(), Counter(run=6, wait=4)
    ]  # fmt: skip
    assert bars[-1].label == "this minute: 6 launched, 4 refused"


def test_a_retry_takes_nothing_back_from_the_chart():
    """Rows that leave a state do not shorten the bar of the minute in which they were launched."""
    pulse = Pulse(SimpleNamespace())
    pulse.take(seen(), 10 * MINUTE_US)
    pulse.take(seen(failed=5), 10 * MINUTE_US + 1)
    pulse.take(seen(pending=5), 10 * MINUTE_US + 2)

    assert dict(pulse.bars(10 * MINUTE_US)[-1].amounts)["run"] == 5


@pytest.mark.parametrize("listen", [gateway_socket, sandbox_socket], ids=["gateway", "sandbox"])
def test_answers_are_not_held_back(listen):
    """The end of an answer leaves at once, not when the client's delayed acknowledgement of its head comes."""

    async def accepted_option():
        taken = asyncio.get_running_loop().create_future()
        listener = listen("127.0.0.1", 0)

        class Taker(asyncio.Protocol):
            def connection_made(self, transport):
                peer = transport.get_extra_info("socket")
                taken.set_result(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        server = await asyncio.get_running_loop().create_server(Taker, sock=listener)
        async with server:
            _, writer = await asyncio.open_connection(*listener.getsockname())
            option = await taken
            writer.close()
            await writer.wait_closed()
        return option

    assert asyncio.run(accepted_option()) != 0
