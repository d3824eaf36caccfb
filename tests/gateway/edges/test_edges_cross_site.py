"""What a page of another site can have a browser do to the gateway: nothing, and it reads no answer."""

from __future__ import annotations

import pytest

ASKED = {"route": "orders", "input": {"customerName": "Ada", "orderId": "1"}}
STRANGER = "https://evil.example"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site", "origin": STRANGER},
        {"sec_fetch_site": "same-site", "origin": "http://localhost:3000"},
        {"sec_fetch_site": "cross-site"},
        {"origin": STRANGER},
        {"origin": "null"},
    ],
)
def test_a_page_of_another_site_launches_nothing(served, headers):
    """A browser's POST to the API from elsewhere is refused, even with a good key, and nothing is launched."""
    given = {"customerName": "Cross", "orderId": "x-1"}
    reply = served.launch(given, wait_s=5, **{f"h_{name}": value for name, value in headers.items()})
    assert (reply.status, reply.problem) == (403, "cross-site")
    assert served.launched(customerName="Cross") == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_no_other_write_of_another_site_is_taken(served, method):
    """Whatever changes something is refused before it is looked at."""
    reply = served.call(method, "/v1/keys/whatever", {}, sec_fetch_site="cross-site")
    assert (reply.status, reply.problem) == (403, "cross-site")


def test_apps_and_pages_of_the_gateway_itself_may_write(served):
    """A program sends neither header; a page of the gateway's own origin, or a person's own request, is let in."""
    own = served.url.partition("/v1")[0].rstrip("/")
    for headers in ({}, {"origin": own}, {"origin": own, "sec_fetch_site": "same-origin"}, {"sec_fetch_site": "none"}):
        assert served.call("POST", "/v1/launches", ASKED, **headers).status == 202


def test_no_answer_lets_another_site_read_it(served):
    """No answer of any kind, to any site, has a header of cross-origin sharing: browsers keep it from foreign pages."""
    asked = [
        ("GET", "/v1/launches", 200), ("GET", "/v1/launches/ln_none", 404), ("POST", "/v1/launches", 403),
        ("POST", "/v1/nowhere", 403), ("OPTIONS", "/v1/launches", 405), ("GET", "/v1/openapi.json", 200),
        ("GET", "/healthz", 200), ("POST", "/hooks/shop", 401), ("GET", "/nowhere", 404),
    ]  # fmt: skip
    preflight = {"access_control_request_method": "POST", "access_control_request_headers": "authorization"}
    for method, path, status in asked:
        for origin in (STRANGER, "null", "http://localhost:3000"):
            reply = served.call(method, path, ASKED if method == "POST" else None, origin=origin, **preflight)
            assert reply.status == status, path
            assert not [name for name in reply.headers if name.lower().startswith("access-control-")], path
    turned_away = served.call("GET", "/v1/launches", host="elsewhere.example", origin=STRANGER)
    assert turned_away.status == 421
    assert "access-control-allow-origin" not in turned_away.headers
