"""Webhooks in: genuine ones launch once; forged, stale, replayed and misused ones launch nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import pytest
from edges_world import SECRET
from standardwebhooks import Webhook

from flowlaunch.errors import FlowLookupError, SettingsError
from flowlaunch.gateway.access import Caller
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.callbacks.targets import read_rules
from flowlaunch.gateway.hooks import schemes
from flowlaunch.gateway.hooks.receiving import Hooks
from flowlaunch.gateway.hooks.spec import read_hooks
from flowlaunch.gateway.routing.routes import Route, Routes
from flowlaunch.gateway.routing.spec import RouteSpec
from flowlaunch.gateway.store import audit, messages

NEWER = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
PLAIN = "a plain secret of the sender, long enough"
ENVIRONMENT = {"SECRET": SECRET, "NEWER": NEWER, "PLAIN": PLAIN, "SHORT": "whsec_c2hvcnQ="}
BODY = b'{"type":"order.created","data":{"order":7}}'
OPERATOR = Caller("key-1", "ann", frozenset({"operate", "read"}))


def routes(**hooks):
    by_name = {"crm": Route("crm", RouteSpec(flow="f")), "ours": Route("ours", RouteSpec(flow="f", callers=("app",)))}
    return Routes(by_name, True, hooks)


def hooks_of(door, **table):
    settings = {"route": "crm", "secrets": ["env:SECRET"]} | table
    launcher = SimpleNamespace(launch=door.take)
    return Hooks(door.store, launcher, read_rules(), ENVIRONMENT, routes(crm=settings))


def signed(clock, body=BODY, *, message_id="msg_1", off_s=0, secret=SECRET):
    """The headers of a genuine message."""
    at = datetime.fromtimestamp(clock.unix_s + off_s, UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body.decode()),
    }


async def received(hooks, headers, body=BODY):
    return await hooks.receive(hooks.named("crm"), headers, body)


async def refused(hooks, headers, body=BODY):
    with pytest.raises(Problem) as told:
        await received(hooks, headers, body)
    return told.value


async def test_a_genuine_message_becomes_one_launch(door, clock):
    """A message signed as Standard Webhooks is launched by its route, under its own id as idempotency key."""
    got = await received(hooks_of(door), signed(clock))
    [ask] = door.asked
    assert (ask.route, ask.key, ask.input) == ("crm", "msg_1", msgspec.json.decode(BODY))
    assert door.launched() == 1
    [kept] = messages.read(door.store)
    assert (kept.message_id, kept.launch_id, kept.problem, kept.times) == ("msg_1", got.launch_id, "", 1)


async def test_a_replayed_message_is_answered_with_the_launch_that_there_is(door, clock):
    """A message sent again, by its sender or by who recorded it, launches nothing more."""
    hooks = hooks_of(door)
    first = await received(hooks, signed(clock))
    again = await received(hooks, signed(clock))
    later = await received(hooks, signed(clock, off_s=60))
    assert first.launch_id == again.launch_id == later.launch_id
    assert (first.is_repeat, again.is_repeat) == (False, True)
    assert door.launched() == 1
    assert messages.read(door.store)[0].times == 3


async def test_the_same_message_at_once_from_many_connections_launches_once(door, clock):
    """Fifty deliveries of one message at the same time become one launch."""
    hooks = hooks_of(door)
    got = await asyncio.gather(*(received(hooks, signed(clock)) for _ in range(50)))
    assert len({one.launch_id for one in got}) == 1
    assert door.launched() == 1


async def test_an_id_that_comes_back_with_another_content_is_refused(door, clock):
    """A message id names one message: another content under it is a conflict, and launches nothing."""
    hooks = hooks_of(door)
    first = await received(hooks, signed(clock))
    other = BODY.replace(b"7", b"8")
    problem = await refused(hooks, signed(clock, other), other)
    assert (problem.status, problem.slug, problem.extension["launch_id"]) == (409, "message-reused", first.launch_id)
    assert door.launched() == 1
    assert messages.read(door.store)[0].launch_id == first.launch_id


FORGERIES = {
    "another body": lambda headers: (headers, BODY.replace(b"7", b"9")),
    "another id": lambda headers: (headers | {"webhook-id": "msg_2"}, BODY),
    "another instant": lambda headers: (headers | {"webhook-timestamp": "1800000001"}, BODY),
    "no signature": lambda headers: (headers | {"webhook-signature": ""}, BODY),
    "no headers": lambda _headers: ({}, BODY),
    "an empty signature": lambda headers: (headers | {"webhook-signature": "v1,"}, BODY),
    "another version": lambda headers: (headers | {"webhook-signature": "v2" + headers["webhook-signature"][2:]}, BODY),
    "a cut signature": lambda headers: (headers | {"webhook-signature": headers["webhook-signature"][:-4]}, BODY),
    "no comma": lambda headers: (headers | {"webhook-signature": "x" * 40}, BODY),
    "not ASCII": lambda headers: (headers | {"webhook-signature": "v1,ÄÖÜ\ud800"}, BODY),
    "an instant of words": lambda headers: (headers | {"webhook-timestamp": "now"}, BODY),
    "an endless instant": lambda headers: (headers | {"webhook-timestamp": "9" * 400}, BODY),
    "no number": lambda headers: (headers | {"webhook-timestamp": "nan"}, BODY),
    "a body that is no text": lambda headers: (headers, b"\xff\xfe"),
    "an id with a point": lambda headers: (headers | {"webhook-id": "msg_1.1800000000"}, BODY),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_message_is_refused(door, clock, forge):
    """Whatever is changed about a genuine message, it is refused with 401 and nothing is launched or kept."""
    headers, body = forge(signed(clock))
    problem = await refused(hooks_of(door), headers, body)
    assert (problem.status, problem.slug) == (401, "signature")
    assert door.launched() == 0
    assert messages.read(door.store) == ()


async def test_id_and_body_cannot_be_cut_elsewhere(door, clock):
    """Moving the border between id, instant and body, which leaves the signed bytes as they are, gains nothing."""
    inner = b"1800000000.{}"
    headers = signed(clock, inner, message_id="a")
    moved = headers | {"webhook-id": f"a.{headers['webhook-timestamp']}", "webhook-timestamp": "1800000000"}
    assert (await refused(hooks_of(door), moved, b"{}")).status == 401


@pytest.mark.parametrize("off_s", [-301, 301, -86_400, 86_400])
async def test_a_stale_message_is_refused(door, clock, off_s):
    """A genuine message from too long ago, or from the future, is refused: somebody may have recorded it."""
    problem = await refused(hooks_of(door), signed(clock, off_s=off_s))
    assert problem.status == 401
    assert "at most 300 s" in problem.detail
    assert door.launched() == 0


@pytest.mark.parametrize("off_s", [-299, 299])
async def test_clocks_may_differ_a_little(door, clock, off_s):
    """Within the tolerance a message is taken, before or behind our clock."""
    assert (await received(hooks_of(door), signed(clock, off_s=off_s))).launch_id


async def test_who_forges_learns_nothing_about_clocks(door, clock):
    """A message that is both forged and stale gets the same answer as one that is only forged."""
    stale = await refused(hooks_of(door), signed(clock, off_s=-4_000, secret=NEWER))
    fresh = await refused(hooks_of(door), signed(clock, secret=NEWER))
    assert stale.body() == fresh.body()


async def test_signatures_are_compared_in_constant_time(door, clock, monkeypatch):
    """Every signature given is compared with every one expected by compare_digest, whatever matched before."""
    compared = []

    def recorded(given, expected):
        compared.append((given, expected))
        return hmac.compare_digest(given, expected)

    monkeypatch.setattr(schemes, "hmac", SimpleNamespace(compare_digest=recorded, digest=hmac.digest))
    headers = signed(clock)
    headers["webhook-signature"] += " v1,other v1,another"
    await received(hooks_of(door, secrets=["env:SECRET", "env:NEWER"]), headers)
    assert len(compared) == 6


async def test_a_secret_is_changed_without_losing_a_message(door, clock):
    """While old and new secret are both listed, messages signed with either are taken; then the old one is not."""
    both = hooks_of(door, secrets=["env:NEWER", "env:SECRET"])
    assert (await received(both, signed(clock, message_id="a"))).launch_id
    assert (await received(both, signed(clock, message_id="b", secret=NEWER))).launch_id
    only = hooks_of(door, secrets=["env:NEWER"])
    assert (await refused(only, signed(clock, message_id="c"))).status == 401


async def test_only_messages_that_are_wanted_are_launched(door, clock):
    """`when` passes over other messages, `input` hands the route a part of the message; both are answered well."""
    hooks = hooks_of(door, when="type == 'order.created'", input="data")
    other = b'{"type":"order.deleted","data":{}}'
    passed = await received(hooks, signed(clock, other, message_id="x"), other)
    assert (passed.launch_id, door.launched()) == (None, 0)
    await received(hooks, signed(clock))
    assert door.asked[0].input == {"order": 7}


async def test_a_message_that_does_not_fit_is_kept_and_can_be_replayed(door, clock):
    """A message that the route refuses is listed with why; once the route is mended, its kept body is replayed."""
    hooks = hooks_of(door, keep_body=True)
    door.refusal = FlowLookupError("the flow was deleted", code="flow-deleted")
    with pytest.raises(FlowLookupError):
        await received(hooks, signed(clock))
    [kept] = messages.read(door.store, refused_only=True)
    assert (kept.launch_id, kept.problem) == (None, "the flow was deleted")
    door.refusal = None
    got = await hooks.replay(hooks.named("crm"), "msg_1", OPERATOR)
    assert got.launch_id is not None
    assert door.launched() == 1
    assert audit.read(door.store, what="webhook.replay")[0].name == "ann"
    with pytest.raises(Problem) as again:
        await hooks.replay(hooks.named("crm"), "msg_1", OPERATOR)
    assert again.value.slug == "message-launched"


async def test_a_body_is_kept_only_when_asked_for(door, clock):
    """Without keep_body a message leaves its hash alone, and cannot be replayed."""
    hooks = hooks_of(door)
    door.refusal = Problem(422, "x", "x", "no")
    await refused(hooks, signed(clock))
    with pytest.raises(Problem) as told:
        await hooks.replay(hooks.named("crm"), "msg_1", OPERATOR)
    assert told.value.slug == "body-not-kept"
    assert messages.body_of(door.store, "crm", "msg_1") is None


async def test_a_message_that_comes_at_a_bad_time_is_not_held_against_its_sender(door, clock):
    """When the queue is full the message is not recorded as refused: the sender's next attempt launches it."""
    hooks = hooks_of(door)
    door.refusal = Problem(429, "queue-full", "x", "x", retry_after_s=5)
    assert (await refused(hooks, signed(clock))).status == 429
    assert messages.read(door.store) == ()
    door.refusal = None
    assert (await received(hooks, signed(clock, off_s=5))).launch_id


async def test_a_genuine_message_that_is_no_json_is_refused(door, clock):
    """What is signed but no JSON, or nested without end, is answered 400 and launches nothing."""
    for body in (b"hello", b"[" * 100_000):
        assert (await refused(hooks_of(door), signed(clock, body), body)).status == 400


async def test_a_genuine_message_that_is_no_json_is_listed(door, clock):
    """What is signed but no JSON is recorded with the reason, and with its body where bodies are kept."""
    hooks = hooks_of(door, keep_body=True)
    await refused(hooks, signed(clock, b"hello", message_id="msg_9"), b"hello")
    [kept] = messages.read(door.store, refused_only=True)
    assert (kept.message_id, kept.launch_id, kept.problem) == ("msg_9", None, "The message is genuine, but no JSON.")
    assert messages.body_of(door.store, "crm", "msg_9") == b"hello"
    with pytest.raises(Problem) as told:
        await hooks.replay(hooks.named("crm"), "msg_9", OPERATOR)
    assert told.value.slug == "body-malformed"


async def test_one_id_with_two_contents_is_one_conflict_at_once_or_later(door, clock):
    """Whether the other content comes at the same moment or afterwards, it is refused by one code."""
    hooks = hooks_of(door)
    door.refusal = Problem(409, "key-reused", "x", "x")  # what the launcher tells who lost the race
    problem = await refused(hooks, signed(clock))
    assert (problem.status, problem.slug) == (409, "message-reused")
    door.refusal = None
    await received(hooks, signed(clock))
    other = BODY.replace(b"7", b"8")
    assert (await refused(hooks, signed(clock, other), other)).slug == "message-reused"


async def test_replaying_a_message_that_is_passed_over_says_so(door, clock):
    """A message that `when` does not want is not launched by a replay either, and whoever asks is told why."""
    hooks = hooks_of(door, when="type == 'order.created'", input="data", keep_body=True)
    other = b'{"type":"order.deleted","data":{}}'
    await received(hooks, signed(clock, other, message_id="x"), other)
    with pytest.raises(Problem) as told:
        await hooks.replay(hooks.named("crm"), "x", OPERATOR)
    assert (told.value.status, told.value.slug, door.launched()) == (409, "message-passed-over", 0)


# plain HMAC headers -----------------------------------------------------------------------------------------------

GITHUB = {"header": "X-Hub-Signature-256", "prefix": "sha256="}
SLACK = {
    "header": "X-Slack-Signature", "prefix": "v0=", "signs": "v0:{timestamp}:{body}",
    "timestamp": "X-Slack-Request-Timestamp",
}  # fmt: skip
STRIPE = {"header": "Stripe-Signature", "field": "v1", "timestamp_field": "t", "signs": "{timestamp}.{body}",
          "id_path": "id"}  # fmt: skip
SHOP = {"header": "X-Shop-Hmac", "encoding": "base64", "algorithm": "sha512", "id_path": "order.id"}


def mac(content, algorithm="sha256"):
    return hmac.new(PLAIN.encode(), content, algorithm)


def plain(door, spec):
    return hooks_of(door, secrets=["env:PLAIN"], hmac=spec)


async def test_a_hash_in_a_header_is_verified(door):
    """A sender that signs the body alone is understood; the same content is one message, whatever its unsigned id."""
    hooks = plain(door, GITHUB)
    headers = {"x-hub-signature-256": "sha256=" + mac(BODY).hexdigest(), "x-github-delivery": "1"}
    first = await received(hooks, headers)
    again = await received(hooks, headers | {"x-github-delivery": "2"})
    assert first.message_id == "sha256-" + hashlib.sha256(BODY).hexdigest()
    assert again.launch_id == first.launch_id
    for signature in ("sha256=" + mac(b"other").hexdigest(), mac(BODY).hexdigest(), "", "sha1=abc"):
        assert (await refused(hooks, {"x-hub-signature-256": signature})).status == 401


async def test_an_instant_within_what_is_signed_is_verified(door, clock):
    """A sender that signs instant and body is understood, and its old messages are refused."""
    hooks = plain(door, SLACK)

    def message(at_s, said_s=None):
        signature = mac(b"v0:%d:" % at_s + BODY).hexdigest()
        return {"x-slack-signature": f"v0={signature}", "x-slack-request-timestamp": str(said_s or at_s)}

    now_s = int(clock.unix_s)
    assert (await received(hooks, message(now_s))).launch_id
    assert "old" in (await refused(hooks, message(now_s - 600))).detail
    assert "wrong" in (await refused(hooks, message(now_s - 600, now_s))).detail


async def test_a_header_with_several_signatures_is_verified(door, clock):
    """A header that lists instant and signatures is understood; one good one is enough, and the body has the id."""
    hooks = plain(door, STRIPE)
    body = b'{"id":"evt_1","order":7}'
    good = mac(b"%d." % clock.unix_s + body).hexdigest()
    headers = {"stripe-signature": f"t={clock.unix_s:.0f}, v1={'0' * 64},v1={good},v0=abc"}
    assert (await received(hooks, headers, body)).message_id == "evt_1"
    late = {"stripe-signature": f"t={clock.unix_s + 9:.0f},v1={good}"}
    assert (await refused(hooks, late, body)).status == 401


async def test_other_hashes_and_writings_are_verified(door):
    """SHA-512 in base64 is understood, and an id that is a number or long is a good id."""
    hooks = plain(door, SHOP)
    for body, message_id in ((b'{"order":{"id":7}}', "7"), (b'{"order":{"id":"a b"}}', "id-")):
        headers = {"x-shop-hmac": base64.b64encode(mac(body, "sha512").digest()).decode()}
        assert (await received(hooks, headers, body)).message_id.startswith(message_id)


# settings ---------------------------------------------------------------------------------------------------------

WRONG = {
    "no secret": ({"secrets": []}, "could be sent by anybody"),
    "a secret in clear": ({"secrets": [SECRET]}, "no reference"),
    "a secret that is not set": ({"secrets": ["env:NOWHERE"]}, "env:NOWHERE"),
    "a short secret": ({"secrets": ["env:SHORT"]}, "24 bytes"),
    "a short plain secret": ({"secrets": ["env:SHORT"], "hmac": GITHUB}, "24 characters"),
    "an unknown route": ({"route": "cmr"}, "no route 'cmr'"),
    "a route for others": ({"route": "ours"}, "add 'hook:crm' to the route's callers"),
    "an unknown setting": ({"secret": "env:SECRET"}, "did you mean secrets?"),
    "a broken expression": ({"when": "type =="}, "when is no JMESPath"),
    "an instant that is not signed": ({"hmac": GITHUB | {"timestamp": "X-Time"}}, "hmac.signs holds {timestamp}"),
    "an id that is not signed": ({"hmac": GITHUB | {"id": "X-GitHub-Delivery"}}, "hmac.signs holds {id}"),
    "a signature of nothing": ({"hmac": GITHUB | {"signs": "{timestamp}"}}, "must hold {body} once"),
    "a weak hash": ({"hmac": GITHUB | {"algorithm": "sha1"}}, "sha1"),
    "a long tolerance": ({"tolerance_s": 86_400}, "tolerance_s"),
    "a callback inwards": ({"callback": "https://10.0.0.1/"}, "private address"),
}


@pytest.mark.parametrize(("table", "told"), WRONG.values(), ids=WRONG)
def test_a_webhook_that_would_be_unsafe_is_refused_at_start(table, told):
    """A mistake in a webhook's settings stops it from coming into force, and is told without showing a secret."""
    settings = {"route": "crm", "secrets": ["env:SECRET"]} | table
    with pytest.raises(SettingsError) as refusal:
        read_hooks({"crm": settings}, routes=routes().by_name, rules=read_rules(), environment=ENVIRONMENT)
    assert told in refusal.value.message
    assert "[hooks.crm]" in refusal.value.message
    assert not any(secret in str(refusal.value) for secret in ENVIRONMENT.values())


def test_a_wrong_change_keeps_the_webhooks_in_force(door):
    """When the routes file is changed into a wrong one, the webhooks stay as they were."""
    hooks = hooks_of(door)
    with pytest.raises(SettingsError):
        hooks.prepared(routes(crm={"route": "crm", "secrets": []}, other={"route": "crm", "secrets": ["env:SECRET"]}))
    assert list(hooks.by_name) == ["crm"]
    hooks.prepared(routes(other={"route": "crm", "secrets": ["env:SECRET"]}))()
    assert list(hooks.by_name) == ["other"]
