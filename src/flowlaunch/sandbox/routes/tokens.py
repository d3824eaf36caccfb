"""Signing in: `/oauth/token`, `/oauth/authorize` and `/api/v2/tokens/me`."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from flowlaunch.sandbox.answers import Answer, json_answer
from flowlaunch.sandbox.calls import Operation
from flowlaunch.sandbox.clock import iso
from flowlaunch.sandbox.oauth import OAuthRefusal, named_in_assertion, verifies

if TYPE_CHECKING:
    from flowlaunch.sandbox.calls import Call
    from flowlaunch.sandbox.oauth import Token
    from flowlaunch.sandbox.service import Service
    from flowlaunch.sandbox.world import OAuthClient, User

__all__ = ["OPERATIONS", "refused"]

SAML2 = "urn:ietf:params:oauth:grant-type:saml2-bearer"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
NO_STORE = ((b"pragma", b"no-cache"),)
Form = dict[str, str]


def refused(refusal: OAuthRefusal) -> Answer:
    """Render a refusal of the token endpoint."""
    return Answer(refusal.status, msgspec.json.encode(refusal.document()), NO_STORE)


def token(service: Service, call: Call) -> Answer:
    """Answer `POST /oauth/token`."""
    try:
        return _token(service, call)
    except OAuthRefusal as refusal:
        return refused(refusal)


def _token(service: Service, call: Call) -> Answer:
    form = _form(call)
    grant = form.get("grant_type", "")
    if grant not in GRANTS:
        error = "unsupported_grant_type" if grant else "invalid_request"
        raise OAuthRefusal(error, f"grant type '{grant}' is not supported" if grant else "grant_type is missing")
    client_id, secret = _credentials(service, call, form)
    service.tokens.admit(client_id, call.now)
    api_name, handler = GRANTS[grant]
    client = service.tokens.client_of(service.world, client_id, secret)
    if (
        secret is None
        and not (grant == "authorization_code" and form.get("code_verifier"))
        and grant != "refresh_token"
    ):
        raise OAuthRefusal("invalid_client", "authentication failed", 401 if service.is_guide else 400)
    if api_name not in client.grants:
        raise OAuthRefusal("unauthorized_client", f"client is not authorized for grant type {grant}")
    issued, refresh = handler(service, client, form, call.now, secret is None)
    service.keep_token(issued, refresh)
    document = {
        "access_token": issued.value,
        "token_type": "bearer",
        "expires_in": int(issued.expires_at - call.now),
    }
    if refresh is not None:
        document["refresh_token"] = refresh
    call.token = issued
    return Answer(200, msgspec.json.encode(document), NO_STORE)


def _form(call: Call) -> Form:
    kind = call.content_type.partition(b";")[0].strip().lower()
    if kind != b"application/x-www-form-urlencoded":
        raise OAuthRefusal("invalid_request", "Content-Type must be application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(call.body.decode("utf-8"), keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise OAuthRefusal("invalid_request", "the form cannot be read") from error
    return dict(pairs)


def _credentials(service: Service, call: Call, form: Form) -> tuple[str, str | None]:
    """Find id and secret: Basic first; form fields where they are accepted; an id alone for PKCE."""
    scheme, _, value = call.authorization.partition(b" ")
    if scheme.lower() == b"basic":
        client_id, secret = _basic(value)
        public = bool(form.get("code_verifier")) and not secret
        return client_id, None if public else secret
    if "client_secret" in form and (service.is_guide or service.options.form_credentials):
        return form.get("client_id", ""), form["client_secret"]
    if "client_secret" in form:
        call.note("client id and secret came as form fields; the platform's clients use HTTP Basic")
        raise OAuthRefusal("invalid_client", "authentication failed")
    return form.get("client_id", ""), None


def _basic(value: bytes) -> tuple[str, str]:
    try:
        client_id, _, secret = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthRefusal("invalid_client", "authentication failed") from error
    return client_id, secret


def _by_client(service: Service, client: OAuthClient, form: Form, now: float, public: bool) -> tuple[Token, str | None]:
    del form, public
    return service.tokens.issue(client, None, now), None


def _by_code(service: Service, client: OAuthClient, form: Form, now: float, public: bool) -> tuple[Token, str | None]:
    code = service.tokens.codes.pop(form.get("code", ""), None)
    if code is None or code.client_id != client.id or code.expires_at <= now:
        raise OAuthRefusal("invalid_grant", "authorization code is unknown, used or expired")
    if code.redirect_uri != form.get("redirect_uri", ""):
        raise OAuthRefusal("invalid_grant", "redirect_uri differs from the one the code was given for")
    if code.challenge is not None and not verifies(form.get("code_verifier", ""), code.challenge):
        raise OAuthRefusal("invalid_grant", "code_verifier does not fit the code challenge")
    if code.challenge is None and public:
        raise OAuthRefusal("invalid_grant", "the code was given without a code challenge")
    user = service.world.users[code.user_id]
    return service.tokens.issue(client, user, now), service.tokens.make_refresh(client, user, public=public)


def _by_refresh(
    service: Service, client: OAuthClient, form: Form, now: float, public: bool
) -> tuple[Token, str | None]:
    value = form.get("refresh_token", "")
    held = service.tokens.refreshes.get(value)
    if held is None or held.client_id != client.id or (public and not held.public):
        raise OAuthRefusal("invalid_grant", "refresh token is unknown or used")
    del service.tokens.refreshes[value]
    service.forget_refresh(value)
    user = service.world.users[held.user_id]
    return service.tokens.issue(client, user, now), service.tokens.make_refresh(client, user, public=held.public)


def _by_assertion(
    service: Service, client: OAuthClient, form: Form, now: float, public: bool
) -> tuple[Token, str | None]:
    del public
    if not form.get("orgName"):
        raise OAuthRefusal("invalid_request", "orgName is missing")
    name = named_in_assertion(form.get("assertion", ""))
    user = _find_user(service, name or "")
    if user is None:
        raise OAuthRefusal("invalid_grant", "the assertion names no user of this organization")
    return service.tokens.issue(client, user, now), None


Grant = "Callable[[Service, OAuthClient, Form, float, bool], tuple[Token, str | None]]"
GRANTS: dict[str, tuple[str, Any]] = {
    "client_credentials": ("CLIENT-CREDENTIALS", _by_client),
    "authorization_code": ("CODE", _by_code),
    "refresh_token": ("CODE", _by_refresh),
    SAML2: ("SAML2-BEARER", _by_assertion),
}


def _find_user(service: Service, wanted: str) -> User | None:
    users = service.world.users
    return users.get(wanted) or next((u for u in users.values() if u.email.casefold() == wanted.casefold()), None)


def authorize(service: Service, call: Call) -> Answer:
    """Answer `GET /oauth/authorize`: sign the user in without asking, and send the code back.

    The user is the one named by `user` (id or e-mail, ours), else the world's first.
    """
    query = {name: values[0] for name, values in call.query().items()}
    client = service.world.clients.get(query.get("client_id", ""))
    redirect_uri = query.get("redirect_uri", "")
    if client is None or "CODE" not in client.grants or not _may_redirect(client, redirect_uri):
        problem = "client_id is unknown" if client is None else "redirect_uri is not registered for this client"
        return refused(OAuthRefusal("invalid_request", problem))
    state = {"state": query["state"]} if "state" in query else {}
    user = _find_user(service, query["user"]) if "user" in query else next(iter(service.world.users.values()), None)
    if query.get("response_type") != "code":
        return _redirect(redirect_uri, {"error": "unsupported_response_type", **state})
    if user is None:
        return _redirect(redirect_uri, {"error": "access_denied", **state})
    challenge = query.get("code_challenge")
    if challenge is not None and query.get("code_challenge_method") != "S256":
        return _redirect(redirect_uri, {"error": "invalid_request", **state})
    code = service.tokens.make_code(client, user, redirect_uri, challenge, call.now)
    return _redirect(redirect_uri, {"code": code, **state})


def _may_redirect(client: OAuthClient, redirect_uri: str) -> bool:
    if client.redirect_uris:
        return redirect_uri in client.redirect_uris
    parts = urlsplit(redirect_uri)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def _redirect(uri: str, fields: dict[str, str]) -> Answer:
    target = f"{uri}{'&' if '?' in uri else '?'}{urlencode(fields)}"
    return Answer(302, b"", ((b"location", target.encode("ascii")), *NO_STORE), b"")


def who_am_i(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/tokens/me`."""
    held = call.holder()
    organization = {"id": service.world.organization.id, "name": service.world.organization.name}
    client: dict[str, Any] = {
        "id": held.client.id,
        "name": held.client.name,
        "authorizedGrantType": "CODE" if held.user else "CLIENT-CREDENTIALS",
        "roleDivisions": [{"roleId": role, "divisionId": division} for role, division in held.client.role_divisions],
        "state": "active",
        "scope": list(held.client.scopes),
        "organization": organization,
    }
    document: dict[str, Any] = {
        "organization": organization,
        "homeOrganization": organization,
        "authorizedScope": sorted(held.scopes or held.client.scopes),
        "OAuthClient": client,
    }
    if held.expires_at != float("inf"):
        document["dateTokenIdles"] = iso(held.expires_at)
    return json_answer(document)


def check(service: Service, call: Call) -> Answer:
    """Answer `HEAD /api/v2/tokens/me`."""
    del service, call
    return Answer(200, b"", (), b"")


def sign_out(service: Service, call: Call) -> Answer:
    """Answer `DELETE /api/v2/tokens/me`."""
    service.revoke(call.holder())
    return Answer(200, b"", (), b"")


OPERATIONS = (
    Operation("token", "POST", "/oauth/token", token, signed=False, reads_body=True, json_body=False),
    Operation("authorize", "GET", "/oauth/authorize", authorize, signed=False),
    Operation("tokens.me", "GET", "/api/v2/tokens/me", who_am_i),
    Operation("tokens.check", "HEAD", "/api/v2/tokens/me", check),
    Operation("tokens.revoke", "DELETE", "/api/v2/tokens/me", sign_out),
)
