"""API keys and quotas: what is kept, what opens the door, how much it may ask for."""

from __future__ import annotations

import asyncio
import hashlib
import math
import sqlite3
from contextlib import closing

import pytest
from edges_world import Door

from flowlaunch.errors import InputError
from flowlaunch.gateway.access import SCOPES, Caller, Limit
from flowlaunch.gateway.access.caller import IMPLIED, expanded
from flowlaunch.gateway.access.gatekeeper import Gatekeeper
from flowlaunch.gateway.access.keys import Keys
from flowlaunch.gateway.access.quotas import Charge, Quotas
from flowlaunch.gateway.access.tokens import key_parts, new_secret
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.store import audit


def bearer(key):
    return {"authorization": f"Bearer {key}"}


def opens(gatekeeper, key):
    caller = gatekeeper.caller_of(key)
    return None if caller is None else caller.name


def test_a_key_has_256_bits_of_the_systems_randomness():
    """Secrets are 43 characters of base64, each one another: nobody guesses one, so a fast hash protects them."""
    made = {new_secret() for _ in range(1_000)}
    assert len(made) == 1_000
    assert {len(one) for one in made} == {43}
    seen = "".join(made)
    shares = [seen.count(one) / len(seen) for one in set(seen)]
    assert -sum(share * math.log2(share) for share in shares) * 43 > 250


def test_only_a_hash_of_a_key_is_kept(door):
    """The ledger holds the SHA-256 of a key's secret, and the secret nowhere."""
    issued = Keys(door.store).create("crm", ["launch"], who="ann@desk")
    secret = key_parts(issued.key)[1]
    with closing(sqlite3.connect(door.path)) as raw:
        rows = raw.execute("SELECT * FROM gateway_keys").fetchall()
    assert hashlib.sha256(secret.encode()).hexdigest() in str(rows)
    assert secret not in str(rows)
    assert secret not in repr(issued)


async def test_a_key_opens_the_door_with_its_scopes(door):
    """Whoever sends the key is known by its name, with the scopes that its own imply."""
    issued = Keys(door.store).create("ops", ["operate"], who="x")
    caller = await Gatekeeper(door.store).authenticate(bearer(issued.key))
    assert caller == Caller(issued.record.key_id, "ops", frozenset({"operate", "read"}))


def test_every_scope_is_explained_and_implied_by_admin():
    """Each scope has its meaning and its implications; admin implies them all, and an unknown one implies nothing."""
    assert IMPLIED.keys() == SCOPES.keys()
    assert expanded(["admin"]) == SCOPES.keys()
    assert expanded(["launch"]) == {"launch"}
    assert expanded(["of-a-newer-version"]) == frozenset()


def test_a_changed_secret_opens_nothing(door):
    """One character more, less or other in a key, and the door stays shut."""
    key = Keys(door.store).create("crm", ["launch"], who="x").key
    gatekeeper = Gatekeeper(door.store)
    other = "A" if key[-1] != "A" else "B"
    for wrong in (key[:-1] + other, key[:-1], key + "A", key.replace("flk", "FLK"), key.split("_", 2)[2], " "):
        assert opens(gatekeeper, wrong) is None
    assert opens(gatekeeper, key) == "crm"


def test_revoking_works_within_a_second_on_every_gateway(door, clock):
    """A key is known without the database for at most a second, so a revoked one is refused by then, everywhere."""
    keys, here, there = Keys(door.store), Gatekeeper(door.store), Gatekeeper(door.store)
    issued = keys.create("crm", ["launch"], who="x")
    assert opens(here, issued.key) == opens(there, issued.key) == "crm"
    keys.revoke("crm", who="x")
    clock.advance(1.0)
    assert opens(here, issued.key) is opens(there, issued.key) is None


def test_an_expired_key_is_refused(door, clock):
    """A key made for a time ends with it, to the moment."""
    key = Keys(door.store).create("temp", ["launch"], who="x", expires_us=clock.now_us + 60_000_000).key
    gatekeeper = Gatekeeper(door.store)
    clock.advance(59.9)
    assert opens(gatekeeper, key) == "temp"
    clock.advance(0.1)
    assert opens(gatekeeper, key) is None


def test_a_rotation_overlaps_for_the_time_given(door, clock):
    """After a rotation the old secret works until the overlap ends; a secret two rotations old never does."""
    keys, gatekeeper = Keys(door.store), Gatekeeper(door.store)
    first = keys.create("crm", ["launch"], who="x").key
    second = keys.rotate("crm", who="x", overlap_s=600).key
    assert (opens(gatekeeper, first), opens(gatekeeper, second)) == ("crm", "crm")
    clock.advance(600)
    assert (opens(gatekeeper, first), opens(gatekeeper, second)) == (None, "crm")
    third = keys.rotate("crm", who="x", overlap_s=600).key
    gatekeeper.forget()
    assert [opens(gatekeeper, one) for one in (first, second, third)] == [None, "crm", "crm"]


def test_names_are_given_again_once_they_are_free(door):
    """Two live keys never share a name; a revoked key's name may be given to a new one."""
    keys = Keys(door.store)
    keys.create("crm", ["launch"], who="x")
    with pytest.raises(InputError, match="a live key has this name"):
        keys.create("crm", ["launch"], who="x")
    keys.revoke("crm", who="x")
    door.clock.advance(1)
    assert keys.create("crm", ["read"], who="x").record.scopes == ("read",)
    assert [one.state(door.clock.now_us) for one in keys.all()] == ["revoked", "live"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": " "}, "key-name"),
        ({"name": "x" * 101}, "key-name"),
        ({"name": "a\nb"}, "key-name"),
        ({"name": "hook:shop"}, "key-name"),
        ({"name": " hook: "}, "key-name"),
        ({"name": "page"}, "key-name"),
        ({"name": "0123456789ab"}, "key-name"),
        ({"scopes": []}, "key-scopes"),
        ({"scopes": ["launch", "root"]}, "key-scopes"),
        ({"expires_us": 1_800_000_000_000_000}, "key-end"),
        ({"expires_us": 2**53}, "key-end"),
        ({"per_minute": 0}, "key-quota"),
        ({"per_day": -1}, "key-quota"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(door, wrong, code):
    """Unprintable names, unknown scopes, ends that are over and quotas below one are refused, and no key is made."""
    with pytest.raises(InputError) as refused:
        Keys(door.store).create(**({"name": "crm", "scopes": ["launch"], "who": "x"} | wrong))
    assert refused.value.code == code
    assert Keys(door.store).all() == ()


def test_what_is_done_and_that_it_was_done_stand_or_fall_together(door, monkeypatch):
    """When the audit log cannot be written, the key is not made either."""

    def broken(*_arguments, **_named):
        raise RuntimeError("no log")

    monkeypatch.setattr(audit, "record", broken)
    with pytest.raises(RuntimeError):
        Keys(door.store).create("crm", ["launch"], who="x")
    assert Keys(door.store).all() == ()


async def test_last_use_is_written_from_time_to_time(door, clock):
    """When a key was last used is known, without a write for each request."""
    key = Keys(door.store).create("crm", ["launch"], who="x").key
    gatekeeper = Gatekeeper(door.store)
    for _ in range(100):
        await gatekeeper.authenticate(bearer(key))
    assert Keys(door.store).all()[0].last_used_us is None
    stop = asyncio.Event()
    running = asyncio.create_task(gatekeeper.run(stop))
    stop.set()
    await running
    assert Keys(door.store).all()[0].last_used_us == clock.now_us


# quotas -----------------------------------------------------------------------------------------------------------


def spent(quotas, limit, times):
    """How many of so many requests were let in."""
    return sum(quotas.spend([limit]) is None for _ in range(times))


def test_a_quota_is_never_exceeded_by_any_number_of_gateways(tmp_path, clock):
    """Four gateways on one ledger let in exactly the quota of a key between them when they ask in turn."""
    first = Door(tmp_path, clock)
    others = [Door(tmp_path, clock) for _ in range(3)]
    gateways = [Quotas(one.store) for one in (first, *others)]
    limit = Limit("key:a", per_minute=200)
    assert sum(spent(one, limit, 1) for _ in range(120) for one in gateways) == 200
    for one in (first, *others):
        one.close()


def test_what_one_gateway_took_and_did_not_use_is_a_small_share(tmp_path, clock):
    """A gateway that stops after one request costs the others a fiftieth of the quota at most."""
    first, second = Door(tmp_path, clock), Door(tmp_path, clock)
    limit = Limit("key:a", per_minute=200)
    assert spent(Quotas(first.store), limit, 1) == 1
    assert spent(Quotas(second.store), limit, 250) == 196
    first.close()
    second.close()


def test_a_quota_is_whole_again_in_the_next_window(door, clock):
    """What was refused says when to ask again, and then it is let in."""
    quotas, limit = Quotas(door.store), Limit("key:a", per_minute=3)
    assert spent(quotas, limit, 5) == 3
    refused = quotas.spend([limit])
    assert (refused.limit, refused.length_s) == (3, 60)
    clock.advance(refused.retry_after_s)
    assert spent(quotas, limit, 5) == 3


def test_what_is_given_back_can_be_spent_again_in_its_window_only(door, clock):
    """A charge that is undone leaves the quota as it was; undone in the next window it adds nothing to that one."""
    quotas, limit = Quotas(door.store), Limit("key:a", per_minute=3)
    charge = Charge((limit,), clock.now_us)
    assert spent(quotas, limit, 3) == 3
    quotas.give_back(charge)
    assert spent(quotas, limit, 3) == 1
    clock.advance(60)
    assert spent(quotas, limit, 1) == 1
    quotas.give_back(charge)
    assert spent(quotas, limit, 5) == 2


def test_a_request_that_one_limit_refuses_costs_the_others_nothing(door):
    """A launch over the route's quota is not counted against the key's own."""
    quotas = Quotas(door.store)
    key, route = Limit("key:a", per_day=10), Limit("route:r", per_minute=2)
    assert sum(quotas.spend([key, route]) is None for _ in range(6)) == 2
    assert spent(quotas, key, 20) == 8


async def test_the_refusal_says_whose_quota_it_was(door):
    """A spent quota is answered 429 with the subject, the limit and when to ask again."""
    issued = Keys(door.store).create("crm", ["launch"], who="x", per_minute=1)
    gatekeeper = Gatekeeper(door.store)
    caller = await gatekeeper.authenticate(bearer(issued.key))
    await gatekeeper.check_quota(caller, "orders")
    with pytest.raises(Problem) as refused:
        await gatekeeper.check_quota(caller, "orders")
    assert refused.value.status == 429
    assert refused.value.extension["subject"] == f"key:{caller.key_id}"
    assert 0 < int(refused.value.headers["retry-after"]) <= 60


def test_a_flood_of_unknown_keys_takes_bounded_room(door, monkeypatch):
    """Keys that do not exist are forgotten again: what is remembered about callers does not grow with attacks."""
    monkeypatch.setattr("flowlaunch.gateway.access.gatekeeper.MOST_KNOWN", 20)
    gatekeeper = Gatekeeper(door.store)
    for number in range(100):
        assert opens(gatekeeper, f"flk_{number:012x}_" + "x" * 43) is None
    assert len(gatekeeper._known) == 20
