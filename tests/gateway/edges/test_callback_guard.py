"""Callbacks cannot be turned against the gateway's own network: the guard, and receivers that mean ill."""

from __future__ import annotations

import ssl
from ipaddress import ip_address

import pytest
import trustme
from edges_world import Receiver, answer

from flowlaunch.errors import InputError, SettingsError
from flowlaunch.gateway.callbacks.addresses import METADATA, kind_of
from flowlaunch.gateway.callbacks.sending import Sender
from flowlaunch.gateway.callbacks.targets import read_rules, target_of
from flowlaunch.gateway.store import delivery_views

KINDS = {
    "public": ("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"),
    "loopback": ("127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
    "private": ("10.0.0.1", "172.31.255.1", "192.168.1.1", "100.64.0.1", "fd12::1", "fec0::1", "::ffff:10.0.0.1"),
    "link-local": ("169.254.1.1", "fe80::1", "::ffff:169.254.1.1"),
    "multicast": ("224.0.0.1", "239.1.1.1", "ff02::1"),
    "unspecified": ("0.0.0.0", "0.1.2.3", "::"),  # noqa: S104 - to be refused
    "reserved": ("240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "2001:db8::1", "::8.8.8.8"),
    "metadata": (*map(str, METADATA), "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"),
}


@pytest.mark.parametrize(("text", "kind"), [(text, kind) for kind, texts in KINDS.items() for text in texts])
def test_each_address_is_of_its_kind(text, kind):
    """An address is told apart as public or not, also when an IPv6 one only stands for an IPv4 one."""
    assert kind_of(ip_address(text)) == kind


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x",
        "ftp://hooks.example.com/x",
        "file:///etc/passwd",
        "gopher://hooks.example.com/x",
        "https://user:word@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com\\@evil.example/",
        "https://hooks.example.com /",
        "https://hooks.example.com/\r\nX-Evil: 1",
        "https://hooks.exämple.com/",
        "https:///x",
        "https://",
        "//hooks.example.com/",
        "hooks.example.com",
        "",
        "https://[fe80::1%25eth0]/",
        "https://[::1]/",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:169.254.169.254]/",
        "https://" + "a" * 3000 + ".example/",
    ],
)
def test_an_address_that_may_not_be_called_is_refused_when_it_is_given(url):
    """Other schemes, credentials, tricks of spelling, and numbers of private machines are refused before any launch."""
    with pytest.raises(InputError) as refused:
        target_of(url, read_rules())
    assert refused.value.code == "callback-refused"
    assert refused.value.hint


def test_a_refusal_shows_no_more_than_the_origin():
    """The message about a refused address does not repeat its path and query, which may hold a token."""
    with pytest.raises(InputError) as refused:
        target_of("http://hooks.example.com/services/T0K3N?key=s3cret", read_rules())
    assert "T0K3N" not in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_the_operator_can_narrow_callbacks_to_hosts():
    """With a list of hosts only these are called, by exact name or by their domain."""
    rules = read_rules(hosts=["hooks.example.com", ".partner.example"])
    assert target_of("https://hooks.example.com/a", rules).host == "hooks.example.com"
    assert target_of("https://x.partner.example:8443/a", rules).port == 8443
    for url in ("https://example.com/", "https://evil-partner.example/", "https://hooks.example.com.evil.example/"):
        with pytest.raises(InputError):
            target_of(url, rules)


@pytest.mark.parametrize(
    "entry", ["10.0.0.1/8", "localhost:9000", "http://", "https://a.example/path", "ftp://a.example"]
)
def test_a_rule_that_says_nothing_is_refused_at_start(entry):
    """An entry of the allow-list that is neither an origin nor a network stops the gateway from starting."""
    with pytest.raises(SettingsError):
        read_rules([entry])


class Names:
    """A name server under the attacker's control: each look-up gives the next answer, the last again and again."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    async def __call__(self, host, _port):
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [ip_address(one) for one in found]


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def server_tls(authority, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def client_tls(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["169.254.169.254"], ["10.0.0.5"], ["::1"], ["8.8.8.8", "127.0.0.1"], ["2606:4700::1", "fd00::1"]],
)
async def test_a_name_that_leads_inside_is_not_called(addresses):
    """A public name is refused when any address that it resolves to is private; nothing is connected to."""
    names = Names(addresses)
    sender = Sender(read_rules(), resolver=names)
    target = target_of("https://rebind.example/x", sender.rules)
    answered = await sender.send(target, {}, b"{}")
    assert answered.status is None
    assert answered.problem.startswith("refused by the gateway: rebind.example resolves to")
    assert names.asked == ["rebind.example"]


async def test_metadata_is_refused_even_in_a_listed_network():
    """The addresses at which clouds hand out credentials stay out of reach, whatever the operator lists."""
    rules = read_rules(["169.254.0.0/16", "100.64.0.0/10", "http://metadata.example"])
    for address in ("169.254.169.254", "100.100.100.200"):
        sender = Sender(rules, resolver=Names([address]))
        for url in ("https://internal.example/", "http://metadata.example/"):
            assert "metadata" in (await sender.send(target_of(url, rules), {}, b"")).problem


async def test_the_checked_address_is_the_one_connected_to(authority):
    """A name that changes its address between check and connection gains nothing: it is looked up once per attempt."""
    async with Receiver(tls=server_tls(authority, "rebind.example"), host="127.0.0.2") as meant:
        names = Names(["127.0.0.2"], ["127.0.0.1"])
        sender = Sender(read_rules(["127.0.0.2/32"]), resolver=names, tls=client_tls(authority))
        target = target_of(f"https://rebind.example:{meant.port}/x", sender.rules)
        first = await sender.send(target, {"webhook-id": "1"}, b"{}")
        second = await sender.send(target, {"webhook-id": "2"}, b"{}")
    assert (first.status, first.problem) == (204, "")
    assert "127.0.0.1, a loopback address" in second.problem
    [(_, headers, _)] = meant.requests
    assert headers["host"] == f"rebind.example:{meant.port}"
    assert names.asked == ["rebind.example"] * 2


async def test_the_certificate_must_be_that_of_the_name(authority):
    """The connection goes to a checked address, but the certificate is checked against the callback's host name."""
    async with Receiver(tls=server_tls(authority, "other.example")) as receiver:
        sender = Sender(read_rules(["127.0.0.0/8"]), resolver=Names(["127.0.0.1"]), tls=client_tls(authority))
        target = target_of(f"https://hooks.example:{receiver.port}/", sender.rules)
        answered = await sender.send(target, {}, b"{}")
    assert "certificate was refused" in answered.problem
    assert receiver.requests == []


async def test_the_next_address_is_tried_when_one_refuses():
    """A host with several addresses is reached at the first one that takes the connection."""
    async with Receiver() as receiver:
        origin = f"http://hooks.example:{receiver.port}"
        sender = Sender(read_rules([origin]), resolver=Names(["127.0.0.3", "127.0.0.1"]))
        answered = await sender.send(target_of(f"{origin}/", sender.rules), {}, b"{}")
    assert answered.status == 204


async def test_a_redirect_is_not_followed(door):
    """A receiver that redirects to an inner address is not obeyed; its callback counts as failed and is tried again."""
    async with Receiver() as inner, Receiver(answer(302, f"Location: {inner.origin}/")) as receiver:
        door.end(door.launch(receiver.origin))
        await door.callbacks(receiver.origin, inner.origin).drain()
    assert inner.requests == []
    [kept] = delivery_views.read(door.store)
    assert (kept.state, kept.http_status) == ("waiting", 302)
    assert kept.problem == "answered 302: redirects are not followed"


ILL = {
    "never answers": (None, "no answer within 0.3 s"),
    "is no HTTP server": (b"220 mail.example ESMTP\r\n\r\n", "the answer is not HTTP"),
    "closes at once": (b"", "the connection closed before an answer"),
    "sends an endless head": (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "the head of the answer is too long"),
    "sends interim answers only": (b"HTTP/1.1 100 Continue\r\n\r\n" * 10, "too many interim answers"),
}


@pytest.mark.parametrize(("said", "problem"), ILL.values(), ids=ILL)
async def test_a_receiver_that_means_ill_costs_a_bounded_time_and_room(said, problem):
    """Whatever a receiver does, an attempt ends in time, reads at most a head, and says what was wrong."""
    async with Receiver(said) as receiver:
        sender = Sender(read_rules([receiver.origin]), timeout_s=0.3 if said is None else 60.0)
        answered = await sender.send(target_of(f"{receiver.origin}/", sender.rules), {}, b"{}")
    assert (answered.status, answered.problem) == (None, problem)


async def test_the_receivers_body_is_not_read(door):
    """What a receiver answers is kept nowhere, so a callback cannot fetch what lies on other machines."""
    async with Receiver(answer(500, body=b"AKIA-inner-secret " * 1000)) as receiver:
        door.end(door.launch(receiver.origin))
        await door.callbacks(receiver.origin).drain()
    [kept] = delivery_views.read(door.store)
    assert kept.problem == "answered 500"
    door.close()
    assert all(b"AKIA-inner" not in path.read_bytes() for path in door.path.parent.iterdir())


async def test_no_header_can_be_smuggled_in():
    """A header value with a line break, whoever made it, is left out instead of becoming headers of its own."""
    async with Receiver() as receiver:
        sender = Sender(read_rules([receiver.origin]))
        headers = {"webhook-id": "m", "traceparent": "00-1\r\nx-evil: 1", "x-umlaut": "ä"}
        answered = await sender.send(target_of(f"{receiver.origin}/", sender.rules), headers, b"{}")
    [(_, sent, _)] = receiver.requests
    assert answered.status == 204
    assert sent["webhook-id"] == "m"
    assert not sent.keys() & {"x-evil", "traceparent", "x-umlaut"}


async def test_no_proxy_of_the_environment_is_asked(monkeypatch):
    """Callbacks go straight to the checked address, not to a proxy that would resolve the name again."""
    async with Receiver() as proxy, Receiver() as receiver:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.origin)
        sender = Sender(read_rules([receiver.origin]))
        await sender.send(target_of(f"{receiver.origin}/", sender.rules), {}, b"{}")
    assert len(receiver.requests) == 1
    assert proxy.requests == []


async def test_rules_that_were_tightened_hold_for_callbacks_already_waiting(door):
    """A waiting callback is checked against the rules of the moment it is sent, not of the moment it was accepted."""
    async with Receiver() as receiver:
        door.end(door.launch(receiver.origin))
        await door.callbacks().drain()
    assert receiver.requests == []
    assert "not https" in delivery_views.read(door.store)[0].problem


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "017700000001", "127.1"])
async def test_numbers_in_odd_spellings_are_resolved_before_they_are_judged(host):
    """Old spellings of 127.0.0.1, which the system's resolver understands, lead nowhere."""
    sender = Sender(read_rules())
    answered = await sender.send(target_of(f"https://{host}/", sender.rules), {}, b"{}")
    assert answered.status is None
    assert "127.0.0.1, a loopback address" in answered.problem
