"""Webhooks on the page: what came, what became of it, and taking in again what was refused."""

import threading

import pytest

from browsers import expect
from flowlaunch.gateway.store import audit

pytestmark = pytest.mark.browser


@pytest.fixture
def signed_in(tabs, world):
    """Open the page about webhooks with a key of these scopes."""

    def opened(scope):
        page = tabs.open(f"{world.url}/sign-in")
        page.get_by_label("API key").fill(world.key(scope, scope))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{world.url}/")
        page.goto(f"{world.url}/webhooks")
        return page

    return opened


def test_messages_show_with_what_became_of_them(signed_in, world, send_message):
    """A message is accepted once and counted when it comes again, passed over when it is not one to launch, and shows
    without a reload; its launch is one click away."""
    page = signed_in("read")
    page.wait_for_selector('#pulse[data-state="on"]')
    order = {"type": "order", "data": {"customerName": "Wanda", "orderId": "WH-1"}}
    assert send_message(world, "shop", "order-1", order).status == 202
    assert send_message(world, "shop", "order-1", order).status == 202
    assert send_message(world, "shop", "ping-1", {"type": "ping"}).status == 200

    rows = page.locator("#list tbody tr")
    expect(rows.filter(has_text="order-1")).to_contain_text("came 2 times, launched once")
    expect(rows.filter(has_text="order-1").locator(".state")).to_have_text("accepted")
    expect(rows.filter(has_text="ping-1")).to_contain_text("not one to launch")
    page.get_by_role("link", name="order-1").click()
    expect(page.locator(".timeline")).to_contain_text("by hook:shop")
    assert world.launched(orderId="WH-1") == 1


def test_a_refused_message_is_taken_in_again(signed_in, world, send_message):
    """A refused message says why; once the cause is mended, a button takes it in from its kept body."""
    order = {"data": {"customerName": "Wim", "orderId": "WH-2"}}
    assert send_message(world, "mistaken", "late-1", order).status == 422
    page = signed_in("operate")
    page.get_by_label("Outcome").select_option("refused")
    row = page.locator("#list tbody tr").filter(has_text="late-1")
    expect(row).to_contain_text("Flow.orderId is required")
    file = world.ledger.parent / "routes.toml"
    as_it_was = file.read_text("utf-8")
    try:
        file.write_text(as_it_was.replace('"envelope"', '"data"'), "utf-8")
        assert world.state.routes.reload()

        row.get_by_role("button", name="Take in late-1 again").click()

        expect(page.locator("#toast")).to_contain_text("taken in again and launched")
    finally:
        file.write_text(as_it_was, "utf-8")
        world.state.routes.reload()
    expect(page.locator("#list tbody tr").filter(has_text="late-1")).to_have_count(0)  # it is not refused any more
    turn = threading.Event()
    for _ in range(1_000):  # it is recorded at once, and launched by the gateway's next turn
        if world.launched(orderId="WH-2"):
            break
        turn.wait(0.02)
    assert world.launched(orderId="WH-2") == 1
    assert [one.target for one in audit.read(world.state.ledger.store, what="webhook.replay")] == ["mistaken/late-1"]


def test_a_reader_cannot_take_in_a_message(signed_in, world, send_message):
    """A key that may only read sees what was refused and no handle."""
    send_message(world, "mistaken", "late-2", {"data": {}})
    page = signed_in("read")

    expect(page.locator("#list tbody tr").filter(has_text="late-2")).to_contain_text("refused")
    assert page.get_by_role("button", name="Take in late-2 again").count() == 0
