"""A file of rows on the page: sent, planned, looked at, started; and what is wrong with it, in plain words."""

import http.client
from urllib.parse import urlsplit

import pytest

from browsers import WIDTHS, axe_violations, expect, too_wide
from flowlaunch.gateway.access.sessions import Sessions
from flowlaunch.gateway.store import audit

MAPPING = """
[map]
customerName = "who"
orderId = "id"

[row]
key = "id"
"""


@pytest.fixture
def signed_in(tabs, world):
    """Open a page as an operator, at the form for a file."""

    def opened(path="/batches/new", **options):
        page = tabs.open(f"{world.url}/sign-in", **options)
        page.get_by_label("API key").fill(world.key("operate", "operate"))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{world.url}/")
        page.goto(world.url + path)
        return page

    return opened


def chosen(page, name, text):
    """Choose a file in the form."""
    page.get_by_label("File:").set_input_files({"name": name, "mimeType": "text/csv", "buffer": text.encode()})


def recorded(world):
    return [one.what for one in audit.read(world.state.ledger.store)]


@pytest.mark.browser
def test_a_file_is_planned_looked_at_and_started(signed_in, world):
    """A file becomes a plan with counts and the first launches; nothing is sent until somebody confirms the start."""
    page = signed_in("/batches")
    page.get_by_role("link", name="New batch").click()
    page.get_by_label("or by the flow").fill("Order follow-up")
    page.get_by_label("Column that tells rows apart").fill("orderId")
    rows = "".join(f"F-{number},Jane\n" for number in range(30))
    chosen(page, "winter.csv", f"orderId,customerName\n{rows}F-99,\nF-3,Jane\n")
    page.get_by_role("button", name="Send and plan").click()

    page.wait_for_url(f"{world.url}/batches/*")
    expect(page.get_by_role("heading", name="winter.csv")).to_be_visible()
    plan = page.locator("#plan")
    expect(plan).to_contain_text("of 32 rows would be launched")
    expect(plan).to_contain_text("1 skipped")
    expect(plan.locator(".samples li")).to_have_count(3)
    expect(plan).not_to_contain_text("Jane")
    assert world.launched(customerName="Jane", orderId="F-1") == 0

    page.get_by_role("button", name="Show the values").click()
    expect(plan).to_contain_text("Jane")
    assert recorded(world)[:2] == ["batch.reveal", "batch.upload"]

    page.get_by_role("button", name="Start", exact=True).click()
    dialog = page.get_by_role("dialog", name="Start this batch?")
    assert world.launched(customerName="Jane", orderId="F-1") == 0
    dialog.get_by_role("button", name="Start the batch").click()

    expect(page.locator(".head .state")).to_have_text("ended")
    expect(page.locator("#plan")).to_have_count(0)
    assert [world.launched(orderId=f"F-{number}") for number in range(30)] == [1] * 30


@pytest.mark.browser
def test_a_file_is_sent_by_the_keyboard_with_a_mapping_of_its_own(signed_in, world):
    """The form works without a mouse, and a mapping says which column feeds which input."""
    page = signed_in()
    page.get_by_label("By the route").focus()
    page.keyboard.press("Tab")
    page.keyboard.type("Order follow-up")
    for text in ("", "Mapped by hand"):  # the column, then the name
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # opens the part about a mapping
    page.keyboard.press("Tab")
    page.keyboard.insert_text(MAPPING)
    chosen(page, "people.csv", "id,who\nK-1,Kim\n")
    page.get_by_label("File:").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    page.wait_for_url(f"{world.url}/batches/*")
    expect(page.get_by_role("heading", name="Mapped by hand")).to_be_visible()
    expect(page.locator("#plan")).to_contain_text("1 of 1 rows would be launched")
    page.get_by_role("button", name="Discard").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Cancel this batch?")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("cancelled")
    assert world.launched(orderId="K-1") == 0


@pytest.mark.browser
@pytest.mark.parametrize(
    ("fields", "file", "told"),
    [
        ({}, ("a.csv", "orderId\n1\n"), "Choose a route or name a flow"),
        ({"or by the flow": "No such flow"}, ("a.csv", "orderId\n1\n"), "No such flow"),
        ({"or by the flow": "Order follow-up"}, ("a.csv", "colour\nred\n"), "orderId"),
        ({"or by the flow": "Order follow-up"}, ("a.xlsx", "PK"), "neither .csv nor .ndjson"),
        ({"or by the flow": "Order follow-up"}, ("a.csv", ""), "empty"),
        ({"or by the flow": "Order follow-up", "TOML": "this is no TOML"}, ("a.csv", "orderId\n1\n"), "no TOML"),
    ],
)
def test_what_is_wrong_is_said_beside_the_form(signed_in, fields, file, told):
    """A file that does not fit is refused with its reason, and the form keeps what was typed."""
    page = signed_in(bypass_csp=True)
    page.locator("details").evaluate("(part) => (part.open = true)")
    for label, text in fields.items():
        page.get_by_label(label).fill(text)
    chosen(page, *file)
    page.get_by_role("button", name="Send and plan").click()

    expect(page.get_by_role("alert")).to_contain_text(told)
    for label, text in fields.items():
        expect(page.get_by_label(label)).to_have_value(text)
    assert axe_violations(page) == []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert too_wide(page) == []


@pytest.mark.browser
def test_a_file_that_is_too_large_is_told_before_it_is_sent(signed_in, world):
    """The form knows how much is taken and says so when the file is chosen; the server would refuse it, too."""
    page = signed_in()
    rows = "orderId,customerName\n" + "1,Jane Janet Janeway\n" * 30_000
    page.get_by_label("or by the flow").fill("Order follow-up")
    chosen(page, "large.csv", rows)
    assert "MB are taken" in page.get_by_label("File:").evaluate("(field) => field.validationMessage")
    page.get_by_role("button", name="Send and plan").click()
    assert page.url == f"{world.url}/batches/new"

    page.get_by_label("File:").evaluate("(field) => { field.removeAttribute('data-most-bytes'); }")
    page.get_by_label("File:").evaluate("(field) => field.setCustomValidity('')")
    page.get_by_role("button", name="Send and plan").click()
    expect(page.get_by_role("alert")).to_contain_text("too large")


def multipart(fields, file=b"orderId\n1\n"):
    """Write a form with a file."""
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts.append(b'Content-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + file)
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"


@pytest.mark.parametrize(
    ("scopes", "has_token", "headers", "status"),
    [
        (("operate",), False, {}, 403),
        (("operate",), True, {"Origin": "http://evil.example"}, 403),
        (("operate",), True, {"Sec-Fetch-Site": "cross-site"}, 403),
        (("read",), True, {}, 403),
    ],
)
def test_nobody_else_sends_a_file(world, scopes, has_token, headers, status):
    """Without the session's token, from another site or with a key that may only read, a file is refused unread."""
    opened = Sessions(world.state.ledger.store).open_by_key(world.key("-".join(scopes), *scopes))
    place = urlsplit(world.url)
    before = [batch.batch_id for batch in world.state.ledger.batches()]
    connection = http.client.HTTPConnection(place.netloc, timeout=60)
    given = {"cookie": f"flowlaunch-{place.port}={opened.cookie}", "content-type": "multipart/form-data; boundary=x"}
    if has_token:
        connection.request("GET", "/batches", headers=given)
        token = connection.getresponse().read().decode().partition('name="csrf" value="')[2].partition('"')[0]
    body = multipart({"csrf": token if has_token else "", "flow": "Order follow-up"})
    connection.request("POST", "/batches/new", body, given | headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()

    assert answer.status == status
    assert [batch.batch_id for batch in world.state.ledger.batches()] == before
