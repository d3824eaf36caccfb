"""What the gateway's page refuses, and what it never shows."""

import http.client
import re
import sqlite3
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

import pytest

from flowlaunch.gateway.access.sessions import Sessions
from flowlaunch.gateway.store import audit

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def ask(world):
    """Ask with exactly the headers given."""

    def send(method, path, headers=None, body=None):
        connection = http.client.HTTPConnection(urlsplit(world.url).netloc, timeout=60)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text

    return send


@pytest.fixture
def cookie(world):
    """The cookie of somebody who may do everything."""
    opened = Sessions(world.state.ledger.store).open_by_key(world.key("admin", "admin"))
    return f"flowlaunch-{urlsplit(world.url).port}={opened.cookie}"


def token_of(page):
    """Read the token that a page puts into its forms."""
    return re.search(r'name="csrf" value="([0-9a-f]{64})"', page)[1]


def form(**fields):
    """Write a form."""
    return urlencode(fields)


class Tags(HTMLParser):
    """Collects what would need an inline exception in the policy."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.found.append(tag)
        self.found += [name for name, value in attrs if name.startswith("on") or name == "style"]
        self.found += [value for value in given.values() if str(value).startswith("javascript:")]


def inline_code(page):
    """List the scripts, styles and handlers that stand in a page itself."""
    tags = Tags()
    tags.feed(page)
    return tags.found


PAGES = (
    "/", "/launches", "/batches", "/batches/new", "/routes", "/webhooks", "/callbacks", "/keys", "/audit", "/settings",
)  # fmt: skip


@pytest.mark.parametrize("path", [*PAGES, "/launches/none", "/events", "/nothing-like-it"])
def test_nothing_is_shown_to_strangers(ask, path):
    """Without a session every page leads to the sign-in, and none tells what exists."""
    status, headers, _ = ask("GET", path)

    assert (status, headers.get("location")) == (303, "/sign-in") or status in {401, 404}


def test_a_forged_cookie_opens_nothing(ask, world):
    """A made-up session is nobody's."""
    for value in ("", "x", "A" * 43, "A" * 5_000, '"'):
        headers = {"Cookie": f"flowlaunch-{urlsplit(world.url).port}={value}"}
        assert ask("GET", "/launches", headers)[1]["location"] == "/sign-in"


def test_a_rebound_name_gets_nothing(ask, cookie):
    """A page under a foreign host name that points here gets neither a page nor a form through, cookie or not."""
    for method, path in (("GET", "/"), ("GET", "/sign-in"), ("POST", "/sign-out")):
        for host in ("evil.example", "127.0.0.1.evil.example", ""):
            status, _, text = ask(method, path, {"Cookie": cookie, "Host": host, "Content-Type": FORM})
            assert status in {400, 403, 421}
            assert "<html" not in text


def test_a_form_of_another_site_changes_nothing(ask, world, cookie):
    """With a stolen-looking request — the cookie, and even the token — another origin still cannot act."""
    token = token_of(ask("GET", "/routes", {"Cookie": cookie})[2])
    world.launch(route="orders", flow=None, wait_s=50)
    body = form(csrf=token)
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        status, _, _ = ask("POST", "/routes/orders/pause", {"Cookie": cookie, "Content-Type": FORM, **headers}, body)
        assert status == 403

    batch_id = world.state.batches.all()[0].batch_id
    assert not world.state.ledger.controls(batch_id).paused


def test_a_form_needs_the_token_of_its_own_session(ask, world, cookie):
    """A token of another session, or none, is refused, and nothing was changed."""
    other = Sessions(world.state.ledger.store).open_by_key(world.key("other", "admin"))
    foreign = token_of(ask("GET", "/", {"Cookie": f"flowlaunch-{urlsplit(world.url).port}={other.cookie}"})[2])
    for given in ("", foreign):
        headers = {"Cookie": cookie, "Content-Type": FORM}
        assert ask("POST", "/keys", headers, form(csrf=given, name="sneaked"))[0] == 403

    assert "sneaked" not in ask("GET", "/keys", {"Cookie": cookie})[2]


def test_an_act_needs_the_scope_also_without_its_button(ask, world):
    """Posting what the page does not offer to a reader is refused."""
    opened = Sessions(world.state.ledger.store).open_by_key(world.key("reader", "read"))
    headers = {"Cookie": f"flowlaunch-{urlsplit(world.url).port}={opened.cookie}", "Content-Type": FORM}
    token = token_of(ask("GET", "/launches", headers)[2])
    launch_id = world.launch(wait_s=50).json["id"]

    for path in (f"/launches/{launch_id}/retry", f"/launches/{launch_id}/reveal", "/routes/orders/pause", "/keys"):
        status, _, text = ask("POST", path, headers, form(csrf=token, name="x"))
        assert status == 403
        assert "lacks the scope" in text


def test_what_cannot_be_undone_is_asked_about_without_scripts(ask, world, cookie):
    """A form that was not confirmed is answered with a question, and nothing is done."""
    world.key("keepsake", "launch")
    key_id = next(
        one for one in re.findall(r'id="k([0-9a-f]+)"><td><b>keepsake', ask("GET", "/keys", {"Cookie": cookie})[2])
    )
    headers = {"Cookie": cookie, "Content-Type": FORM}
    token = token_of(ask("GET", "/keys", {"Cookie": cookie})[2])

    status, _, text = ask("POST", f"/keys/{key_id}/revoke", headers, form(csrf=token))
    assert status == 200
    assert "End this key for good?" in text
    assert world.call("GET", "/v1/launches", key=world.key("keepsake")).status == 200

    assert ask("POST", f"/keys/{key_id}/revoke", headers, form(csrf=token, confirmed="yes"))[0] == 303
    assert "key.revoke" in [one.what for one in audit.read(world.state.ledger.store)]


def test_unknown_paths_of_the_api_stay_problems(ask):
    """A mistyped path below /v1 is answered for programs, not with a page."""
    _, headers, _ = ask("GET", "/v1/lunches")

    assert headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/sign-in", "/", "/launches/none", "/keys"])
def test_every_answer_binds_the_browser(ask, cookie, path):
    """Every page allows its own files only, and is kept by no cache."""
    _, headers, _ = ask("GET", path, {"Cookie": cookie})

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"


def test_no_page_has_inline_code_or_foreign_addresses(ask, world, cookie):
    """No page holds code of its own or loads anything from elsewhere."""
    launch_id = world.launch({"customerId": "C-404"}, flow="Loyalty lookup", wait_s=50).json["id"]
    for path in (*PAGES, f"/launches/{launch_id}", "/sign-in"):
        text = ask("GET", path, {"Cookie": cookie})[2]
        assert not inline_code(text), path
        loaded = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', text)
        assert all(one.startswith("/assets/") for one in loaded), path


def test_no_secret_is_on_any_page_or_in_the_ledger(ask, world, cookie):
    """Neither keys, cookies nor the platform's secret are on a page; the ledger has only hashes of them."""
    key = world.key("app-with-secret", "launch")
    session = cookie.partition("=")[2]
    secrets = [key.rpartition("_")[2], session, "demo-secret"]
    for path in PAGES:
        text = ask("GET", path, {"Cookie": cookie})[2]
        assert not [one for one in secrets if one in text], path

    kept = sqlite3.connect(world.ledger)
    try:
        written = "\n".join(kept.iterdump())
    finally:
        kept.close()
    assert not [one for one in secrets if one in written]


def test_texts_of_callers_are_only_text(ask, world, cookie):
    """Names, keys and inputs that look like code are shown as text."""
    name = "<img src=x onerror=alert(1)>"
    launch_id = world.launch({"customerName": name, "orderId": "1"}, name=name, h_idempotency_key=name, wait_s=50).json[
        "id"
    ]

    for path in ("/launches", f"/launches/{launch_id}"):
        text = ask("GET", path, {"Cookie": cookie})[2]
        assert "<img" not in text
        assert "&lt;img src=x" in text


def test_values_of_a_payload_are_masked_by_rule(ask, world, cookie):
    """The page names the inputs and hides their values; a name like that of a secret hides even when asked."""
    launch_id = world.launch({"customerName": "Jane Privata", "orderId": "77"}, wait_s=50).json["id"]
    headers = {"Cookie": cookie, "Content-Type": FORM}

    hidden = ask("GET", f"/launches/{launch_id}", headers)[2]
    assert "Flow.customerName" in hidden
    assert "Privata" not in hidden

    shown = ask("POST", f"/launches/{launch_id}/reveal", headers, form(csrf=token_of(hidden)))[2]
    assert "Jane Privata" in shown
    newest = audit.read(world.state.ledger.store, limit=1)[0]
    assert (newest.what, newest.target, newest.name) == ("launch.reveal", launch_id, "admin")


@pytest.mark.parametrize(
    "query", ["after=%00", "after=AAAA", "state=nothing", "route=no-such", "q=" + "x" * 5_000, "state=failed&after=zz"]
)
def test_a_mistyped_address_is_still_a_page(ask, cookie, query):
    """Filters and cursors that make no sense give a list, not a failure."""
    status, _, text = ask("GET", f"/launches?{query}", {"Cookie": cookie})

    assert status == 200
    assert "<h1>Launches</h1>" in text
