"""The gateway on a shared database: two of them are one door."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from gateway_world import gateway


def test_two_gateways_on_one_database_are_one_door(postgres_ledger_url, open_door, tmp_path):
    """Requests with one key that reach two gateways at once are one launch, which both can show and cancel."""
    one = open_door(ledger=postgres_ledger_url, uploads=None)
    with gateway(one.sandbox, tmp_path, ledger=postgres_ledger_url, uploads=None) as other:
        other.made["test"] = one.key("test")
        doors = [one, other] * 10
        given = {"customerName": "J", "orderId": "pg-1"}
        with ThreadPoolExecutor(20) as pool:
            replies = list(pool.map(lambda door: door.launch(given, h_idempotency_key="pg"), doors))
        assert {reply.status for reply in replies} == {202}, [reply.raw for reply in replies if reply.status != 202]
        assert len({reply.json["id"] for reply in replies}) == 1
        ended = [door.launch(given, h_idempotency_key="pg", wait_s=50) for door in (one, other)]
        assert [reply.json["state"] for reply in ended] == ["completed", "completed"]
        assert one.launched(orderId="pg-1") == 1

        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        waiting = one.launch({"customerName": "J", "orderId": "pg-2"}, not_before=later, name="Zoë ☎").json["id"]
        assert other.show(waiting)["name"] == "Zoë ☎"
        assert other.call("POST", f"/v1/launches/{waiting}/cancel").json["state"] == "cancelled"
        for query in ("", "?state=cancelled", "?search=pg", f"?route={one.show(waiting)['route']}&state=cancelled"):
            listed = other.call("GET", f"/v1/launches{query}").json["launches"]
            assert [launch["id"] for launch in listed][-1:] == [
                replies[0].json["id"] if query in {"", "?search=pg"} else waiting
            ]


def test_nobody_waits_when_too_many_do(open_door):
    """A request that would wait beyond the limit of waiting ones is answered with 202 at once."""
    door = open_door(max_waiters=0)
    assert door.launch({"customerName": "J", "orderId": "w-1"}, wait_s=50).status == 202
