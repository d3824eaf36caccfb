"""The gateway's page in a real browser."""

import re
from time import monotonic

import pytest

from browsers import WIDTHS, axe_violations, expect, too_wide
from flowlaunch.gateway.access.sessions import Sessions
from flowlaunch.gateway.store import audit
from flowlaunch.sandbox import DropAfterProcessing, DropBeforeReading, Status

pytestmark = pytest.mark.browser

LIVE = '#pulse[data-state="on"]'


def sign_in(tabs, world, *scopes, path="/", **options):
    """Open a page signed in with a key of these scopes."""
    page = tabs.open(f"{world.url}/sign-in", **options)
    page.get_by_label("API key").fill(world.key("-".join(scopes) or "admin", *scopes))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{world.url}/")
    if path != "/":
        page.goto(world.url + path)
    return page


def done(world):
    """Return what the audit log says was done, newest first."""
    return [one.what for one in audit.read(world.state.ledger.store)]


def test_a_link_signs_in_once(tabs, world):
    """A sign-in link opens the page by itself, its secret leaves the address, and it opens nothing again."""
    token = Sessions(world.state.ledger.store).link("test", "Olga Operator", ["operate"])

    page = tabs.open(f"{world.url}/sign-in#{token}")
    page.wait_for_url(f"{world.url}/")
    expect(page.get_by_role("button", name="Sign out Olga Operator")).to_be_visible()
    assert token not in page.url
    [cookie] = page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"

    second = tabs.open(f"{world.url}/sign-in#{token}")
    expect(second.get_by_role("alert")).to_contain_text("opens nothing")


def test_a_key_signs_in_and_out(tabs, world):
    """A key opens a session, and signing out ends it on the server too."""
    page = sign_in(tabs, world, "read", path="/launches")
    cookies = page.context.cookies()

    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{world.url}/sign-in")

    page.context.add_cookies(cookies)
    page.goto(f"{world.url}/launches")
    assert page.url == f"{world.url}/sign-in"


def test_a_key_that_may_only_launch_sees_nothing(tabs, world):
    """An app's key does not open the page."""
    page = tabs.open(f"{world.url}/sign-in")
    page.get_by_label("API key").fill(world.key("app", "launch"))
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("lacks the scope read")
    assert page.context.cookies() == []


def test_a_launch_shows_without_a_reload(tabs, world):
    """The overview follows what apps launch, by itself."""
    page = sign_in(tabs, world)
    page.wait_for_selector(LIVE)
    page.evaluate("window.same = true")

    world.launch(name="Order of Jane", wait_s=50)

    row = page.get_by_role("row").filter(has_text="Order of Jane")
    expect(row).to_contain_text("completed")
    assert page.evaluate("window.same")


def test_launches_are_found_and_filtered(tabs, world):
    """A launch is found by the app's own key, and the list shows one state or one route only."""
    for number in range(3):
        world.launch(h_idempotency_key=f"mango-{number}", route="listed", flow=None, wait_s=50)
    failed = world.launch({"orderId": "x"}, flow="Refund check", wait_s=50).json["id"]
    page = sign_in(tabs, world, path="/launches")
    expect(page.locator("tbody tr").filter(has_text="mango-")).to_have_count(3)

    page.get_by_label("Find").fill("mango-1")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Find").fill("")
    page.get_by_label("State").select_option("failed")
    expect(page.locator("tbody tr").filter(has_text="mango-")).to_have_count(0)
    expect(page.locator(f"tr#{failed}")).to_contain_text("Refund check")
    page.get_by_label("State").select_option("")
    page.get_by_label("Route").select_option("listed")
    expect(page.locator("tbody tr")).to_have_count(3)
    assert page.url.endswith("/launches?route=listed")


def test_a_launch_shows_what_happened_and_hides_its_values(tabs, world):
    """One launch has its timeline, error, cure and path; its values are shown on request, and that is recorded."""
    launch = world.launch({"customerId": "C-404"}, flow="Loyalty lookup", h_idempotency_key="mine", wait_s=50).json
    page = sign_in(tabs, world, path=f"/launches/{launch['id']}", permissions=["clipboard-read", "clipboard-write"])

    timeline = page.locator(".timeline")
    expect(timeline).to_contain_text("Accepted")
    expect(timeline).to_contain_text("Launched")
    expect(timeline).to_contain_text("Completed")
    assert page.get_by_role("region", name="Drawing of the flow").locator("rect.card.ran").count() == 2
    payload = page.locator(".panel").filter(has_text="Payload")
    expect(payload).not_to_contain_text("C-404")

    page.get_by_role("button", name="Copy the correlation id").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == launch["correlation_id"]

    page.get_by_role("button", name="Show the values").click()
    expect(payload).to_contain_text("C-404")
    assert done(world)[0] == "launch.reveal"

    world.launch(wait_s=50)
    page.wait_for_selector(LIVE)
    expect(payload).to_contain_text("C-404")
    page.reload()
    expect(payload).not_to_contain_text("C-404")


def test_a_failed_launch_is_retried(tabs, world):
    """A refused launch names its cause and cure, and a button sends it again."""
    world.play_next(Status(400))
    launch = world.launch({"customerName": "Re", "orderId": "R-1"}, wait_s=50).json
    page = sign_in(tabs, world, path=f"/launches/{launch['id']}")
    expect(page.locator(".problem .cure")).to_contain_text("retry it")

    page.get_by_role("button", name="Retry").click()

    expect(page.locator(".head .state")).to_have_text("completed")
    assert world.launched(orderId="R-1") == 1
    assert "launch.retry" in done(world)


def test_a_doubt_is_settled_by_looking(tabs, world):
    """Reconciling finds the run of a launch whose answer was lost, and nothing is sent twice."""
    world.play_next(DropAfterProcessing())
    launch = world.launch({"customerName": "Do", "orderId": "D-1"}, name="Doubt D-1", wait_s=50).json
    assert launch["state"] == "in_doubt"
    page = sign_in(tabs, world, path=f"/launches/{launch['id']}")
    expect(page.locator(".problem")).to_contain_text("launch-in-doubt")

    page.get_by_role("button", name="Reconcile").click()

    expect(page.locator("#toast")).not_to_be_empty()
    assert "batch.reconcile" in done(world)
    assert world.launched(orderId="D-1") == 1


def test_a_doubt_is_settled_by_a_persons_word(tabs, world):
    """Saying that a launch did not happen asks first, sends it again, and is recorded with its grounds."""
    world.play_next(DropBeforeReading())
    launch = world.launch({"customerName": "Do", "orderId": "D-2"}, wait_s=50).json
    assert launch["state"] == "in_doubt"
    page = sign_in(tabs, world, path=f"/launches/{launch['id']}")

    page.get_by_label("Why you are sure").fill("nothing in the org")
    page.get_by_role("button", name="It was not: send it again").click()
    dialog = page.get_by_role("dialog", name="It was not launched?")
    assert world.launched(orderId="D-2") == 0
    dialog.get_by_role("button", name="It was not: send it again").click()

    expect(page.locator(".head .state")).to_have_text("completed")
    assert world.launched(orderId="D-2") == 1
    settled = next(one for one in audit.read(world.state.ledger.store) if one.what == "launch.settle")
    assert settled.facts["grounds"] == "nothing in the org"


def test_a_batch_is_paused_paced_and_resumed(tabs, world):
    """A batch's page stops it, changes its pace and lets it go on."""
    csv = "orderId,customerName\n" + "".join(f"B-{number},Jane\n" for number in range(20))
    batch = world.call("POST", "/v1/batches?flow=Order%20follow-up&name=Autumn", csv.encode(), content_type="text/csv")
    world.call("POST", f"/v1/batches/{batch.json['id']}/pause", {"reason": "not today"})
    page = sign_in(tabs, world, path="/batches")
    page.get_by_role("link", name="Autumn").click()
    expect(page.locator(".notice-line")).to_contain_text("Paused by test: not today")
    expect(page.locator("#rows tbody tr")).to_have_count(20)

    page.get_by_label("In flight at once").fill("3")
    page.get_by_role("button", name="Change the pace").click()
    expect(page.locator("#toast")).to_contain_text("The pace has changed")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".legend")).to_contain_text("Completed 20")
    assert world.state.ledger.controls(batch.json["id"]).concurrency == 3

    with page.expect_download() as downloading:
        page.get_by_role("link", name="Results as CSV").click()
    lines = downloading.value.path().read_text("utf-8").splitlines()
    assert len(lines) == 21
    assert done(world)[0] == "batch.results"

    page.get_by_label("Rows that are").select_option("failed")
    expect(page.get_by_text("No such row")).to_be_visible()


def test_a_route_is_paused(tabs, world):
    """A paused route accepts and does not send, until it is resumed; the page says who paused it."""
    world.launch(route="stopped", flow=None, wait_s=50)
    page = sign_in(tabs, world, path="/routes")
    page.get_by_role("link", name="stopped", exact=True).click()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".notice-line")).to_contain_text("Paused by admin")

    launch = world.launch({"customerName": "La", "orderId": "L-1"}, route="stopped", flow=None)
    assert launch.status == 202
    expect(page.locator(".legend")).to_contain_text("Waiting 1")

    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".legend")).to_contain_text("Completed 2")


def test_a_callback_is_sent_again(tabs, world):
    """A callback that finds nobody shows each attempt and why it failed, and can be sent again at once."""
    launch = world.launch(callback="http://127.0.0.1:9/ended", wait_s=50).json
    page = sign_in(tabs, world, path=f"/launches/{launch['id']}", bypass_csp=True)
    expect(page.locator(".timeline")).to_contain_text("Callback on its way")

    page.goto(f"{world.url}/callbacks")
    page.get_by_role("link", name="http://127.0.0.1:9").first.click()
    expect(page.locator(".problem")).to_contain_text("The last attempt failed")
    expect(page.locator(".timeline li")).not_to_have_count(0)
    assert axe_violations(page) == []
    page.get_by_role("button", name="Send it again").click()

    expect(page.locator("#toast")).to_contain_text("The callback is sent again")
    assert "callback.replay" in done(world)


def test_a_key_is_shown_once(tabs, world):
    """A key made on the page works, is shown once, and ends when it is revoked."""
    page = sign_in(tabs, world, path="/keys")
    page.get_by_label("Name, such as").fill("billing")
    page.get_by_role("button", name="Create the key").click()
    key = page.get_by_label("New key").locator("code").inner_text()
    assert world.launch(key=key, wait_s=50).status == 200

    page.reload()
    assert key not in page.content()

    page.get_by_role("button", name="Revoke billing").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_role("row").filter(has_text="billing")).to_contain_text("revoked")
    until_s = monotonic() + 60  # a key is known for a second at most after its end
    while (status := world.call("GET", "/v1/launches", key=key).status) != 401 and monotonic() < until_s:
        pass
    assert status == 401
    page.goto(f"{world.url}/audit?what=key.revoke")
    expect(page.locator("tbody tr").first).to_contain_text("billing")


def test_a_reader_cannot_act(tabs, world):
    """A key that may only read sees no handles, and no keys or audit log."""
    world.play_next(Status(400))
    launch = world.launch(wait_s=50).json
    page = sign_in(tabs, world, "read", path=f"/launches/{launch['id']}")

    expect(page.get_by_role("heading", name="Order follow-up")).to_be_visible()
    assert page.get_by_role("button", name="Retry").count() == 0
    assert page.get_by_role("link", name="Keys").count() == 0
    answer = page.goto(f"{world.url}/keys")
    assert answer.status == 403


def test_a_session_that_ends_is_said_so(tabs, world):
    """A page whose session was ended elsewhere says that nobody is signed in any more."""
    page = sign_in(tabs, world)
    page.wait_for_selector(LIVE)
    [cookie] = page.context.cookies()
    Sessions(world.state.ledger.store).end(cookie["value"])

    world.launch()

    expect(page.locator("#pulse-text")).to_have_text("Signed out")


def test_every_page_fits_and_is_accessible(tabs, world, send_message):
    """Every page is free of accessibility faults and of sideways scrolling, on a phone, a tablet and a desk;
    in dark its contrasts suffice, too."""
    world.play_next(DropAfterProcessing())
    doubt = world.launch({"customerName": "Do", "orderId": "D-seen"}, wait_s=50).json["id"]
    failed = world.launch({"orderId": "x"}, flow="Refund check", wait_s=50).json["id"]
    csv = b"orderId,customerName\nB-1,Jane\n"
    batch = world.call("POST", "/v1/batches?flow=Order%20follow-up", csv, content_type="text/csv").json["id"]
    send_message(world, "shop", "seen-1", {"type": "order", "data": {"customerName": "W", "orderId": "W-1"}})
    send_message(world, "mistaken", "seen-2", {"data": {}})
    paths = ["/", "/launches", f"/launches/{doubt}", f"/launches/{failed}", "/batches", f"/batches/{batch}"]
    paths += ["/routes", "/routes/orders", "/callbacks", "/keys", "/audit", "/settings", "/launches/none"]
    paths += ["/batches/new", "/webhooks"]
    page = sign_in(tabs, world, bypass_csp=True)
    for path in [*paths, "/sign-in"]:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(world.url + path)
        assert re.search(r" · flowlaunch$", page.title())
        assert axe_violations(page) == [], path
        page.emulate_media(color_scheme="dark")
        assert axe_violations(page, "color-contrast") == [], path
        page.emulate_media(color_scheme="light")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert too_wide(page) == [], f"{path} at {width}"
