"""What the page reads, it reads alike from SQLite and PostgreSQL: lists, their parts, filters and details."""

import html
import http.client
import re
from urllib.parse import quote, urlencode, urlsplit

import pytest
from gateway_process import wait_until

from flowlaunch.gateway.access.sessions import Sessions
from flowlaunch.gateway.store import audit
from flowlaunch.sandbox import DropAfterProcessing, Status

TOLD = re.compile(r'href="(/callbacks/[^"]+)"')
LINK = re.compile(r'<a class="button" rel="next" href="([^"]+)"')


@pytest.fixture
def look(any_world):
    """Read a page as somebody who may do everything; `post` a form."""
    opened = Sessions(any_world.state.ledger.store).open_by_key(any_world.key("admin", "admin"))
    place = urlsplit(any_world.url)
    cookie = {"cookie": f"flowlaunch-{place.port}={opened.cookie}"}

    def ask(path, post=None):
        connection = http.client.HTTPConnection(place.netloc, timeout=90)
        try:
            if post is None:
                connection.request("GET", path, headers=cookie)
            else:
                headers = {**cookie, "content-type": "application/x-www-form-urlencoded"}
                connection.request("POST", path, urlencode({"csrf": look_token(ask("/routes")), **post}), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status in {200, 303}, text
            return text
        finally:
            connection.close()

    return ask


def look_token(text):
    return text.partition('name="csrf" value="')[2].partition('"')[0]


def rows_of(look, path):
    """Return the ids of the rows of a list, over all of its parts."""
    found = []
    while path:
        text = look(path)
        found += re.findall(r'<tr id="([^"]+)">', text)
        following = LINK.search(text)
        path = html.unescape(following[1]) if following else None
    return found


def test_a_list_of_launches_is_whole_over_its_parts(any_world, look):
    """Sixty launches stand in two parts, newest first, each once; a state or a key shows only what fits."""
    launched = [
        any_world.launch({"customerName": "P", "orderId": f"P-{n}"}, route="paged", flow=None,
                         h_idempotency_key=f"page-{n}", wait_s=50 if n == 59 else 0).json["id"]
        for n in range(60)
    ]  # fmt: skip
    any_world.play_next(Status(400))
    refused = any_world.launch({"customerName": "P", "orderId": "P-x"}, route="paged", flow=None, wait_s=50).json["id"]

    listed = rows_of(look, "/launches?route=paged")

    assert [one for one in listed if one in {*launched, refused}] == [refused, *reversed(launched)]
    assert len(set(listed)) == len(listed)
    assert rows_of(look, "/launches?route=paged&state=refused")[0] == refused
    assert rows_of(look, "/launches?q=page-7") == [launched[7]]
    assert rows_of(look, f"/launches?q={refused}") == [refused]
    assert rows_of(look, f"/launches?q={refused}&state=refused&route=paged") == [refused]
    assert rows_of(look, f"/launches?q={refused}&state=completed") == []
    assert rows_of(look, f"/launches?q={refused}&route=nowhere") == []
    assert rows_of(look, "/launches?after=ksCBAc-AAAAAAAAAAA")[0] == listed[0]


def test_a_launch_in_doubt_is_shown_and_settled(any_world, look):
    """A launch shows its attempts, facts and cure; a person's word ends the doubt, and the audit log tells who."""
    any_world.play_next(DropAfterProcessing())
    launch_id = any_world.launch({"customerName": "Dora", "orderId": "PG-D"}, name="Zoë ☎ Doubt", wait_s=50).json["id"]
    text = look(f"/launches/{launch_id}")
    assert "Zoë ☎ Doubt" in text
    assert "Sent, and the answer was lost" in text
    assert "Dora" not in text
    assert "Dora" in look(f"/launches/{launch_id}/reveal", {})

    look(f"/launches/{launch_id}/settle-launched", {"confirmed": "yes", "grounds": "seen"})

    assert "Settled: it was launched" in look(f"/launches/{launch_id}")
    assert "launch.settle" in look(f"/audit?q={launch_id}")
    assert audit.read(any_world.state.ledger.store)[0].facts["grounds"] == "seen"


def test_a_batch_is_planned_steered_and_listed(any_world, look):
    """A batch that waits shows its plan, its rows in parts and by state, and goes when it is started."""
    rows = "".join(f"PG-{number},Jane\n" for number in range(70))
    path = f"/v1/batches?flow={quote('Order follow-up')}&name=Sixty&key=orderId"
    csv = f"orderId,customerName\n{rows}PG-1,Jane\n".encode()
    batch_id = any_world.call("POST", path, csv, content_type="text/csv").json["id"]
    page = f"/batches/{batch_id}"
    wait_until(lambda: "The file is being read" not in look(page))

    assert "<b>70</b> of 71 rows would be launched" in look(page)
    assert rows_of(look, page) == [f"r{number}" for number in range(1, 72)]
    assert rows_of(look, f"{page}?state=skipped") == ["r71"]
    assert f'<tr id="b{batch_id}">' in look("/batches")

    look(f"{page}/start", {"confirmed": "yes"})
    wait_until(lambda: "state tone-ok" in look(page).partition("</h1>")[2].partition("</p>")[0])
    assert any_world.launched(orderId="PG-69") == 1


def test_webhooks_callbacks_and_the_overview_are_read(any_world, look, send_message):
    """Messages, callbacks, routes and figures show what the ledger holds."""
    order = {"type": "order", "data": {"customerName": "W", "orderId": "PG-W"}}
    launch_id = send_message(any_world, "shop", "pg-1", order).json["launch_id"]
    send_message(any_world, "mistaken", "pg-2", {"data": {}})
    assert any_world.launch(callback="http://127.0.0.1:9/told", wait_s=50).status == 200

    text = look("/webhooks")
    assert f'href="/launches/{launch_id}">pg-1</a>' in text
    assert "Take in pg-2 again" in text  # its body is kept
    assert rows_of(look, "/webhooks?hook=mistaken&state=refused")
    wait_until(lambda: TOLD.search(look("/callbacks")))
    assert "http://127.0.0.1:9" in look(TOLD.search(look("/callbacks"))[1])
    assert "Its launches" in look("/routes/orders")
    assert "Completed" in look("/")
    assert "written in" in look("/settings")
    assert "admin" in look("/keys")
