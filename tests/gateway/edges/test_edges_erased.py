"""What was erased is never launched again by a repetition of its request."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from edges_world import Door, HandClock
from test_webhooks_in import ENVIRONMENT, received, routes, signed

from flowlaunch.batch.ledger import keyed_hash
from flowlaunch.errors import LedgerError
from flowlaunch.gateway.callbacks.targets import read_rules
from flowlaunch.gateway.hooks.receiving import Hooks
from flowlaunch.gateway.launches.launching import taken
from flowlaunch.gateway.store import launches, messages
from flowlaunch.gateway.store.launches import Accepted, Erased, Order

NUMBER = "+4930901822"


@pytest.fixture(params=["sqlite", "postgresql"])
def two_doors(request, tmp_path, clock):
    """Two gateways' views of one ledger."""
    place = request.getfixturevalue("postgres_ledger_url") if request.param == "postgresql" else None
    doors = [Door(tmp_path, clock, place) for _ in range(2)]
    yield doors
    for one in doors:
        one.close()


def ask(door, key, *, caller="key-1", fingerprint="f"):
    """Ask for a launch under a key; return what the gateway's store makes of it."""
    order = Order(
        launch_id=launches.new_launch_id(door.clock.now_us), batch_id=door.batch_id, make=lambda _number: None,
        caller=caller, idempotency_key=key, fingerprint=fingerprint, route="crm",
    )  # fmt: skip
    return launches.append(door.store, [order])[0]


@pytest.mark.parametrize("key", [NUMBER, "order-1"], ids=["the key names the contact", "the key names an order"])
def test_a_request_under_an_erased_key_launches_nothing(two_doors, key):
    """Once a contact is forgotten, the request of its launch is answered as erased by every gateway, body or not."""
    door, other = two_doors
    launch = door.end(door.launch(contact=NUMBER, idempotency_key=key))
    assert ask(other, key) == Accepted(launch, is_repeat=True)
    door.ledger.forget(NUMBER, by="ann")

    for one in two_doors:
        for fingerprint in ("f", "another body"):
            answer = ask(one, key, fingerprint=fingerprint)
            assert isinstance(answer, Erased)
            assert answer.launch.id == launch.id
    assert launches.find_keyed(other.store, [("key-1", key)])[0].fingerprint == ""
    assert launches.find_keyed(other.store, [("key-2", key)]) == [None]
    assert other.launched() == 1
    assert other.launch(caller="key-2", idempotency_key=key).id != launch.id


def test_no_hash_of_what_was_asked_for_is_left(door):
    """The hashes of a forgotten contact's requests and messages go, too: who tries all numbers could undo them."""
    launch = door.end(door.launch(contact=NUMBER, idempotency_key="order-1"))
    other = door.launch(idempotency_key="order-2")
    door.ledger.forget(NUMBER, by="ann")
    assert launches.find(door.store, launch.id).fingerprint == ""
    assert launches.find(door.store, other.id).fingerprint == "f"


def test_without_the_key_of_stand_ins_an_app_with_erased_keys_has_to_wait(door):
    """Where the key of stand-ins is lost, who has erased keys gets no launch under a key, and others are served."""
    door.end(door.launch(contact=NUMBER, idempotency_key=NUMBER))
    door.ledger.forget(NUMBER, by="ann")
    (door.path.parent / keyed_hash.KEY_FILE).unlink()
    door.close()
    later = Door(door.path.parent, HandClock())
    with pytest.raises(LedgerError) as raised:
        ask(later, "order-9")
    assert raised.value.code == "ledger-key"
    assert later.launch(caller="key-2", idempotency_key="order-9").idempotency_key == "order-9"
    later.close()


async def test_a_webhook_of_a_forgotten_contact_is_a_repetition(door, clock):
    """A message whose launch was erased is answered as seen, launched no second time, and nothing of it is kept."""

    async def launch(ask, caller):
        return taken(await door.take(ask, caller), ask)

    hooks = Hooks(
        door.store, SimpleNamespace(launch=launch), read_rules(), ENVIRONMENT,
        routes(crm={"route": "crm", "secrets": ["env:SECRET"], "keep_body": True}),
    )  # fmt: skip
    number = NUMBER.removeprefix("+")
    first = await received(hooks, signed(clock, message_id=number))
    door.ledger.forget(number, by="ann")
    again = await received(hooks, signed(clock, message_id=number))
    assert (again.launch_id, again.is_repeat) == (first.launch_id, True)
    assert door.launched() == 1
    assert [one.message_id for one in messages.read(door.store)] == [door.store.keyed_hash.of(number)]
