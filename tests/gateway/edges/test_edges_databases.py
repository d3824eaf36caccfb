"""Several gateways on one ledger, in a file and in PostgreSQL: what must happen once happens once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from edges_world import SECRET, Door, Receiver, answer
from test_webhooks_in import BODY, routes, signed

from flowlaunch.errors import InputError
from flowlaunch.gateway.access import Limit
from flowlaunch.gateway.access.gatekeeper import Gatekeeper
from flowlaunch.gateway.access.keys import Keys
from flowlaunch.gateway.access.quotas import Quotas
from flowlaunch.gateway.access.sessions import Sessions
from flowlaunch.gateway.callbacks.targets import read_rules
from flowlaunch.gateway.hooks.receiving import Hooks
from flowlaunch.gateway.store import audit, delivery_views, messages, retention


@pytest.fixture(params=["sqlite", "postgresql"])
def doors(request, tmp_path, clock):
    """Three gateways' views of one ledger."""
    place = request.getfixturevalue("postgres_ledger_url") if request.param == "postgresql" else None
    worlds = [Door(tmp_path, clock, place) for _ in range(3)]
    yield worlds
    for one in worlds:
        one.close()


def together(calls):
    """Make calls at the same time, each in a thread; return what each gave."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return [one.result() for one in [threads.submit(call) for call in calls]]


def attempted(call):
    try:
        return call()
    except InputError as error:
        return error.code


def test_a_name_is_given_to_one_key(doors):
    """When several people create a key of one name at once, one of them gets it."""
    made = together(
        [lambda one=one: attempted(lambda: Keys(one.store).create("crm", ["launch"], who="x")) for one in doors * 3]
    )
    assert sum(not isinstance(one, str) for one in made) == 1
    assert {one for one in made if isinstance(one, str)} == {"key-name-taken"}
    assert len(Keys(doors[0].store).all()) == 1


def test_keys_are_read_page_by_page(doors, clock):
    """The pages of the keys hold each key once, oldest first, also those made at one instant."""
    keys = Keys(doors[0].store)
    for number in range(7):
        clock.advance(number % 2)
        keys.create(f"app {number}", ["launch"], who="x")
    seen, after_id = [], None
    while page := keys.page(after_id=after_id, limit=2):
        seen += page
        after_id = page[-1].key_id
    assert seen == list(keys.all())
    assert len(seen) == 7


def test_the_name_of_an_expired_key_is_free(doors, clock):
    """The name of a key that has expired can be given to a new one; the expired one is ended for good."""
    Keys(doors[0].store).create("crm", ["launch"], who="x", expires_us=clock.now_us + 1_000_000)
    clock.advance(2)
    fresh = Keys(doors[1].store).create("crm", ["read"], who="x")
    assert Gatekeeper(doors[2].store).caller_of(fresh.key).scopes == {"read"}
    assert sorted(one.state(clock.now_us) for one in Keys(doors[0].store).all()) == ["live", "revoked"]


def test_a_link_opens_one_session(doors):
    """A sign-in link used on several gateways at once signs in one browser."""
    token = Sessions(doors[0].store).link("x", "ann", ["operate"])
    opened = together([lambda one=one: Sessions(one.store).open_by_link(token) for one in doors])
    [mine] = [one for one in opened if one is not None]
    assert all(Sessions(one.store).find(mine.cookie).caller.name == "ann" for one in doors)


def test_a_quota_is_kept_by_gateways_that_count_at_once(doors):
    """Threads of three gateways that spend one quota at the same moment spend exactly the quota."""
    limits = [Limit("key:a", per_minute=90), Limit("route:r", per_day=1_000)]
    quotas = [Quotas(one.store) for one in doors]

    def spend(one):
        return sum(one.spend(limits) is None for _ in range(60))

    assert sum(together([lambda one=one: spend(one) for one in quotas])) == 90


async def test_a_message_becomes_one_launch(doors, clock):
    """One webhook message delivered to three gateways at once becomes one launch."""
    hooks = [
        Hooks(
            one.store, SimpleNamespace(launch=one.take), read_rules(), {"SECRET": SECRET},
            routes(crm={"route": "crm", "secrets": ["env:SECRET"]}),
        )
        for one in doors
    ]  # fmt: skip
    got = await asyncio.gather(*(one.receive(one.named("crm"), signed(clock), BODY) for one in hooks * 3))
    assert len({one.launch_id for one in got}) == 1
    assert doors[0].launched() == 1
    [kept] = messages.read(doors[0].store)
    assert (kept.times, kept.launch_id) == (9, got[0].launch_id)


async def test_a_callback_is_sent_by_one_gateway(doors, clock):
    """Three gateways deliver twenty callbacks between them: each leaves once, a failing one is tried again by any."""
    async with Receiver(answer(500), answer(204)) as receiver:
        for _ in range(20):
            doors[0].end(doors[0].launch(receiver.origin))
        outboxes = [one.callbacks(receiver.origin) for one in doors]
        for _ in range(30):
            await asyncio.gather(*(one.drain() for one in outboxes))
            clock.advance(10)
            if delivery_views.count_by_state(doors[1].store)["delivered"] == 20:
                break
    ids = [headers["webhook-id"] for _, headers, _ in receiver.requests]
    assert delivery_views.count_by_state(doors[0].store) == {"waiting": 0, "delivered": 20, "dead": 0}
    assert (len(ids), len(set(ids))) == (21, 20)


def test_what_is_kept_can_be_read_page_by_page_and_let_go(doors, clock):
    """Audit lines, messages and callbacks are read newest first after a cursor, and old ones are removed."""
    store = doors[0].store
    for number in range(5):
        audit.record(store, "x", "test.line", str(number))
        messages.record(store, "crm", f"m{number}", body_sha256="0", launch_id=None, problem="no")
    first = audit.read(store, limit=2)
    second = audit.read(store, limit=9, before=first[-1].audit_id)
    assert [one.target for one in (*first, *second)] == ["4", "3", "2", "1", "0"]
    assert [one.message_id for one in messages.read(store, hook="crm", refused_only=True, limit=2)] == ["m4", "m3"]
    clock.advance(1)
    assert retention.remove_lines(store, "messages", clock.now_us) == 5
    assert messages.read(store) == ()
