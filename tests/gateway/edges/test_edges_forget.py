"""Forgetting a contact reaches what the gateway keeps of it, too."""

from __future__ import annotations

from flowlaunch.gateway.store import audit, launches, messages

NUMBER = "+4930901820"


def test_no_byte_of_a_forgotten_contact_is_left(door):
    """After `forget` the number is in no file of the ledger: in no webhook body, id or line of the audit log."""
    launch = door.end(door.launch(contact=NUMBER, idempotency_key=f"call-{NUMBER}"))
    other = door.launch(idempotency_key="call-somebody-else")
    kept = {"body_sha256": "0", "problem": ""}
    body = b'{"to":"%s"}' % NUMBER.encode()
    messages.record(door.store, "crm", NUMBER, launch_id=launch.id, body=body, **kept)
    messages.record(door.store, "crm", "m2", launch_id=None, body=body, **kept)
    messages.record(door.store, "crm", "m3", launch_id=other.id, body=b'{"to":"somebody else"}', **kept)
    audit.record(door.store, "ann", "launch.settle", launch.id, {"grounds": f"I asked {NUMBER}"})
    door.ledger.forget(NUMBER, by="ann")
    assert messages.body_of(door.store, "crm", "m3") is not None
    assert launches.find(door.store, other.id).idempotency_key == "call-somebody-else"
    assert launches.find(door.store, launch.id).idempotency_key.startswith("hash:")
    assert [one.what for one in audit.read(door.store)] == ["launch.settle"]
    door.close()
    assert all(NUMBER.encode() not in path.read_bytes() for path in door.path.parent.iterdir())


def test_a_gateway_that_hashed_nothing_makes_no_key_for_it(door):
    """Forgetting somebody of whom the gateway holds nothing changes nothing and makes no key."""
    door.launch()
    assert door.ledger.forget("+4930901821", by="ann").events == 0
    assert not (door.path.parent / "ledger.key").exists()
