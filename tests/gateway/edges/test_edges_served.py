"""The gateway's edges as a platform engineer meets them: over HTTP, a sandbox behind and a real receiver in front."""

from __future__ import annotations

import http.client
import socket
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
import pytest
from edges_world import SECRET
from standardwebhooks import Webhook

GOOD = {"customerName": "Ada", "orderId": "1"}


def shop_message(data, *, kind="order.created", message_id="msg_1", secret=SECRET):
    """A signed message: body and headers, named as the world's `call` takes them."""
    at = datetime.now(UTC)
    body = msgspec.json.encode({"type": kind, "data": data})
    headers = {
        "webhook_id": message_id,
        "webhook_timestamp": str(int(at.timestamp())),
        "webhook_signature": Webhook(secret).sign(message_id, at, body.decode()),
    }
    return body, headers


def hook(served, body, headers, name="shop"):
    return served.call("POST", f"/hooks/{name}", body, key="none", **headers)


def test_a_webhook_becomes_one_launch(served):
    """A signed message is launched in Genesys Cloud once; sent again it is answered with the same launch."""
    body, headers = shop_message({"customerName": "Hook", "orderId": "77"}, message_id="hook-1")
    first, again = hook(served, body, headers), hook(served, body, headers)
    assert (first.status, again.status) == (202, 202)
    assert first.json == again.json
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    launch = ended(served, first.json["launch_id"])
    assert (launch["state"], launch["caller"], launch["route"]) == ("completed", "hook:shop", "orders")
    assert launch["url"] == first.json["url"]
    assert served.launched(customerName="Hook", orderId="77") == 1


def ended(served, launch_id):
    """Return a launch once it has ended; asks a bounded number of times."""
    for _ in range(2_000):
        launch = served.show(launch_id)
        if launch["ended_at"] is not None:
            return launch
    raise AssertionError(launch)


def test_a_callback_is_verified_with_the_secret_that_the_app_gets_with_its_key(served, inbox):
    """An app reads its callback secret with its key, launches, and verifies what it is told with a standard library."""
    key = served.key("app", "launch")
    launch = served.launch(GOOD | {"orderId": "cb-1"}, key=key, callback=inbox.url)
    headers, body = inbox.wait()
    [secret] = served.call("GET", "/v1/callback-secret", key=key).json["secrets"]
    told = Webhook(secret).verify(body, headers)
    assert told["type"] == "launch.completed"
    assert told["data"]["launch_id"] == launch.json["id"]
    [other] = served.call("GET", "/v1/callback-secret", key=served.key("app-2", "launch")).json["secrets"]
    assert other != secret


def test_a_callback_that_failed_is_seen_and_sent_again(served, inbox):
    """A callback that the receiver refused for good is listed as dead with its attempt, and a replay delivers it."""
    inbox.statuses = [410]
    launch_id = served.launch(GOOD | {"orderId": "cb-2"}, callback=inbox.url).json["id"]
    first = inbox.wait()
    listed = wait_for(served, launch_id, "dead")
    shown = served.call("GET", f"/v1/callbacks/{listed['id']}").json
    assert (shown["origin"], shown["problem"]) == (inbox.url.removesuffix("/told"), "answered 410")
    assert [(one["number"], one["http_status"]) for one in shown["history"]] == [(1, 410)]
    replayed = served.call("POST", f"/v1/callbacks/{listed['id']}/replay")
    assert (replayed.status, replayed.json["state"]) == (202, "waiting")
    again = inbox.wait()
    assert (again[1], again[0]["webhook-id"]) == (first[1], first[0]["webhook-id"])
    assert wait_for(served, launch_id, "delivered")["attempts"] == 2


def wait_for(served, launch_id, state):
    """Return the callback of a launch once it is in a state; asks a bounded number of times."""
    for _ in range(2_000):
        found = served.call("GET", f"/v1/callbacks?launch={launch_id}").json["callbacks"]
        if found and found[0]["state"] == state:
            return found[0]
        served.show(launch_id)
    raise AssertionError(f"no callback came to be {state}: {found}")


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://169.254.169.254/", "https://u:p@example.com/", "x"]
)
def test_a_launch_with_a_callback_that_may_not_be_called_is_refused(served, url):
    """Before anything is launched, a callback to an inner or unencrypted address is refused with what to do."""
    reply = served.launch(GOOD | {"orderId": "never"}, callback=url)
    assert (reply.status, reply.json["code"]) == (422, "callback-refused")
    assert served.launched(orderId="never") == 0


def test_forged_and_stale_messages_are_refused(served):
    """A message with a wrong secret, or with another body than was signed, gets 401 and launches nothing."""
    body, headers = shop_message({"orderId": "forged"}, message_id="f-1", secret="whsec_" + "QUJD" * 10)
    assert hook(served, body, headers).problem == "signature"
    body, headers = shop_message({"orderId": "forged"}, message_id="f-2")
    assert hook(served, body.replace(b"forged", b"FORGED"), headers).status == 401
    assert hook(served, body, headers | {"webhook_timestamp": "1000000000"}).status == 401
    assert hook(served, body, {}).status == 401


def test_an_oversized_message_is_refused_before_it_has_come(served):
    """A message that announces more bytes than the webhook takes is answered 413, whether they come or not."""
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=60)
    connection.putrequest("POST", "/hooks/shop")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", "2001")
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, msgspec.json.decode(answer.read())["max_bytes"]) == (413, 2000)
    connection.close()


def test_a_message_without_an_announced_size_is_cut_off(served):
    """A message sent in pieces without a length is refused once it has more bytes than the webhook takes."""
    host = urlsplit(served.url).netloc
    head = f"POST /hooks/shop HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(host.split(":"), timeout=60) as connection:
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\nfa0\r\n" + b"x" * 2500)  # and no end
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_webhook_takes_json_alone_and_must_exist(served):
    """A form or plain text, which a web page could send unasked, is refused, as is a webhook that is not there."""
    body, headers = shop_message({}, message_id="t-1")
    assert hook(served, body, headers | {"content_type": "text/plain"}).status == 415
    assert hook(served, body, headers, name="nowhere").problem == "hook-unknown"


def test_a_message_that_does_not_fit_is_listed_and_replayed_once_it_does(served):
    """A message that the flow does not take is answered 422 and listed; replaying it tries again."""
    body, headers = shop_message({"customer": "x"}, message_id="unfit-1")
    assert hook(served, body, headers).status == 422
    listed = served.call("GET", "/v1/hooks/shop/messages?refused=true").json["messages"]
    [mine] = [one for one in listed if one["message_id"] == "unfit-1"]
    assert mine["launch_id"] is None
    assert mine["problem"]
    assert served.call("POST", "/v1/hooks/shop/messages/unfit-1/replay").status == 422
    assert served.call("POST", "/v1/hooks/shop/messages/no-such/replay").status == 404


def test_messages_of_other_kinds_are_passed_over(served):
    """A message that the webhook's condition does not want is answered well and launches nothing."""
    body, headers = shop_message({"orderId": "deleted"}, kind="order.deleted", message_id="other-1")
    reply = hook(served, body, headers)
    assert (reply.status, reply.json["launch_id"]) == (200, None)


# keys -------------------------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_works_until_it_is_revoked(served):
    """A key made over the API launches; lists never show its secret; once revoked it is refused within a second."""
    made = served.call("POST", "/v1/keys", {"name": "short-lived", "scopes": ["launch"]})
    assert made.status == 201
    key, shown = made.json["key"], made.json["record"]
    assert served.launch(GOOD, key=key).status == 202
    listed = served.call("GET", "/v1/keys")
    assert key.rpartition("_")[2] not in listed.raw.decode()
    assert shown["id"] in {one["id"] for one in listed.json["keys"]}
    assert served.call("POST", f"/v1/keys/{shown['id']}/revoke").json["state"] == "revoked"
    assert served.launch(GOOD, key=key).status == 401


def test_a_rotated_key_works_with_both_secrets_for_the_overlap(served):
    """After a rotation old and new secret open the door; a rotation without overlap ends the old one at once."""
    old = served.call("POST", "/v1/keys", {"name": "turning", "scopes": ["read"]}).json["key"]
    new = served.call("POST", "/v1/keys/turning/rotate", {"overlap_s": 3600}).json["key"]
    assert [served.call("POST", "/v1/keys", {}, key=one).status for one in (old, new)] == [403, 403]
    assert [served.call("GET", "/v1/launches", key=one).status for one in (old, new)] == [200, 200]
    newest = served.call("POST", "/v1/keys/turning/rotate", {"overlap_s": 0}).json["key"]
    statuses = [served.call("GET", "/v1/launches", key=one).status for one in (old, new, newest)]
    assert statuses == [401, 401, 200]


SCOPES = {
    "launch": {"launch"},
    "read": {"read"},
    "operate": {"operate", "read"},
    "admin": {"launch", "read", "operate", "admin"},
}
ASKS = (
    ("read", "GET", "/v1/callbacks"),
    ("read", "GET", "/v1/hooks"),
    ("operate", "POST", "/v1/callbacks/none/replay"),
    ("operate", "POST", "/v1/hooks/shop/messages/none/replay"),
    ("admin", "GET", "/v1/keys"),
    ("admin", "GET", "/v1/audit"),
    ("launch", "GET", "/v1/callback-secret"),
    ("launch|read", "GET", "/v1/launches"),
    ("launch|read", "GET", "/v1/routes"),
    ("launch|operate", "POST", "/v1/launches/none/cancel"),
)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_does_what_its_scopes_say_and_no_more(served, scope):
    """Each operation is refused with 403 to a key without its scope, which is named, and open to one with it."""
    key = served.key(f"scope-{scope}", scope)
    for needed, method, path in ASKS:
        reply = served.call(method, path, key=key)
        if SCOPES[scope].isdisjoint(needed.split("|")):
            assert (reply.status, reply.json["scopes"]) == (403, needed.split("|")), path
        else:
            assert reply.status in {200, 404}, path


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer flk_000000000000_" + "x" * 43, "Bearer x", "Basic YTpi", "flk_x", "Bearer ü" * 9],
)
def test_who_cannot_say_who_it_is_gets_401(served, authorization):
    """A missing, unknown or malformed key is refused alike, with the challenge that the standard asks for."""
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=60)
    connection.request("GET", "/v1/launches", headers={"authorization": authorization.encode("latin-1")})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("www-authenticate").split()[0]) == (401, "Bearer")
    connection.close()


def test_a_key_in_the_address_is_not_looked_at(served):
    """Keys in a query string, which would end up in logs, open nothing."""
    key = served.key("test")
    assert served.call("GET", f"/v1/launches?key={key}&access_token={key}", key="none").status == 401


def test_a_key_cannot_make_one_that_can_do_more(served):
    """A session or key without a scope cannot give that scope away."""
    from flowlaunch.errors import InputError
    from flowlaunch.gateway.access import Caller
    from flowlaunch.gateway.access.keys import Keys

    weak = Caller("x", "weak", frozenset({"admin", "launch"}))
    with pytest.raises(InputError) as refused:
        Keys(served.state.ledger.store).create("stronger", ["operate"], who=weak)
    assert refused.value.code == "key-reach"


def test_a_quota_is_kept(served):
    """A key that has had its launches of the day, or of the minute by a route, is told when to ask again."""
    key = served.call("POST", "/v1/keys", {"name": "thrifty", "per_day": 3}).json["key"]
    answers = [served.launch(GOOD, key=key) for _ in range(5)]
    assert [one.status for one in answers] == [202, 202, 202, 429, 429]
    assert answers[-1].json["limit"] == 3
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 86_400
    other = served.key("by-route", "launch")
    by_route = [served.call("POST", "/v1/launches", {"route": "narrow", "input": GOOD}, key=other) for _ in range(7)]
    taken = [one.status for one in by_route].count(202)
    assert 2 <= taken <= 4  # a minute may have begun in between
    assert {one.status for one in by_route} == {202, 429}


def test_a_repeated_request_costs_no_quota(served):
    """The same launch asked for again under its idempotency key is answered although the quota is spent."""
    key = served.call("POST", "/v1/keys", {"name": "once", "per_day": 1}).json["key"]
    answers = [served.launch(GOOD, key=key, h_idempotency_key="one") for _ in range(3)]
    assert [one.status for one in answers] == [202, 202, 202]
    assert served.launch(GOOD, key=key).status == 429


def test_repetitions_and_refusals_leave_the_quota_to_new_launches(served):
    """An app that asks again as it should, or reuses a key by mistake, can still make every launch of its quota."""
    key = served.call("POST", "/v1/keys", {"name": "twice", "per_day": 2}).json["key"]
    answers = [served.launch(GOOD, key=key, h_idempotency_key="one") for _ in range(3)]
    answers.append(served.launch(GOOD | {"orderId": "other"}, key=key, h_idempotency_key="one"))
    assert [one.status for one in answers] == [202, 202, 202, 409]
    assert served.launch(GOOD, key=key, h_idempotency_key="two").status == 202
    assert served.launch(GOOD, key=key, h_idempotency_key="three").problem == "quota-spent"


def test_a_route_takes_only_the_callers_that_it_names(served):
    """A route with a list of callers refuses other keys by name."""
    body = {"route": "partners", "input": GOOD}
    assert served.call("POST", "/v1/launches", body, key=served.key("partner-7", "launch")).status == 202
    refused = served.call("POST", "/v1/launches", body, key=served.key("stranger", "launch"))
    assert (refused.status, refused.problem) == (403, "route-not-open")


def test_the_audit_log_says_who_did_what(served):
    """Making, rotating and ending a key are in the log with who did it, page by page."""
    served.call("POST", "/v1/keys", {"name": "told-of"})
    served.call("POST", "/v1/keys/told-of/rotate")
    target = served.call("POST", "/v1/keys/told-of/revoke").json["id"]
    lines, cursor = [], ""
    while True:
        page = served.call("GET", f"/v1/audit?target={target}&limit=2{cursor}").json
        lines += page["lines"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert [(one["what"], one["name"]) for one in lines] == [
        ("key.revoke", "test"),
        ("key.rotate", "test"),
        ("key.create", "test"),
    ]
    assert served.call("GET", "/v1/audit?cursor=x").problem == "cursor"


# secrets ----------------------------------------------------------------------------------------------------------


def test_no_secret_is_in_the_ledger_or_in_what_the_gateway_says(served, inbox, caplog):
    """API keys, webhook and callback secrets are in no file of the ledger, no log line and no answer but their own."""
    key = served.call("POST", "/v1/keys", {"name": "hidden", "scopes": ["launch", "read"]}).json["key"]
    [callback_secret] = served.call("GET", "/v1/callback-secret", key=key).json["secrets"]
    served.launch(GOOD | {"orderId": "s-1"}, key=key, callback=inbox.url)
    inbox.wait()
    body, headers = shop_message({"customerName": "S", "orderId": "s-2"}, message_id="secret-1")
    hook(served, body, headers)
    hook(served, body, headers | {"webhook_signature": "v1,forged"})
    token = served.state.sessions.link("test", "ann", ["admin"])
    cookie = served.state.sessions.open_by_link(token).cookie
    secrets = [
        key.split("_", 2)[2],
        callback_secret.removeprefix("whsec_"),
        SECRET.removeprefix("whsec_"),
        token,
        cookie,
    ]
    asked = ["/v1/keys", "/v1/audit", "/v1/callbacks", "/v1/hooks", "/v1/hooks/shop/messages", "/v1/openapi.json"]
    said = "".join(served.call("GET", path).raw.decode() for path in asked) + caplog.text
    files = b"".join(
        path.read_bytes() for path in served.ledger.parent.glob(f"{served.ledger.name}*") if path.is_file()
    )
    for secret in secrets:
        assert secret not in said
        assert secret.encode() not in files
    assert "demo-secret" not in said
