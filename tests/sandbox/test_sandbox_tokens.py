"""Signing in, as the platform and its official clients do it."""

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from sandbox_api import raw

REDIRECT = "http://localhost:8080/callback"
SAML2 = "urn:ietf:params:oauth:grant-type:saml2-bearer"
INVALID_CLIENT = {
    "error": "invalid_client",
    "description": "authentication failed",
    "error_description": "authentication failed",
}


def form(api, auth=("demo", "demo-secret"), **fields):
    return api.call("POST", "/oauth/token", data=fields, auth=auth)


def authorize(api, **fields):
    query = {"response_type": "code", "client_id": "demo", "redirect_uri": REDIRECT, **fields}
    return api.call("GET", "/oauth/authorize", params=query, allow_redirects=False)


def code_of(answer):
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


def test_a_client_credentials_token_lasts_a_day_and_has_no_refresh_token(sandbox, connect):
    """Client credentials over HTTP Basic answer 200 with a bearer token for 86,400 seconds."""
    answer = connect(sandbox, None).token()
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("bearer", 86_400)


def test_the_gc_command_lines_chunked_form_is_read(sandbox):
    """A token request with a chunked body, as the gc CLI sends it, is understood."""
    basic = base64.b64encode(b"demo:demo-secret")
    head = (
        b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic " + basic + b"\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    answer = raw(sandbox.url, head, chunks=(b"b\r\ngrant_type=\r\n", b"12\r\nclient_credentials\r\n", b"0\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"access_token" in answer


@pytest.mark.parametrize("auth", [("demo", "wrong"), ("nobody", "demo-secret"), ("", "")])
def test_wrong_credentials_get_400_invalid_client(sandbox, connect, auth):
    """A wrong id or secret is 400 invalid_client with the three official fields, never 401."""
    answer = form(connect(sandbox, None), auth, grant_type="client_credentials")
    assert (answer.status_code, answer.json()) == (400, INVALID_CLIENT)


def test_credentials_in_the_form_are_refused_unless_switched_on(open_sandbox, connect):
    """The platform contract takes no client_secret field by default; `form_credentials` switches that guess."""
    fields = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo-secret"}
    strict, loose = open_sandbox(), open_sandbox(form_credentials=True)
    assert form(connect(strict, None), None, **fields).status_code == 400
    assert "HTTP Basic" in strict.journal("token")[0].note
    assert form(connect(loose, None), None, **fields).status_code == 200


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "made-up"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "made-up"}, "invalid_grant"),
        ({"grant_type": SAML2, "assertion": "YQ=="}, "invalid_request"),
        ({"grant_type": SAML2, "orgName": "o", "assertion": "YQ=="}, "invalid_grant"),
    ],
)
def test_other_mistakes_are_told_apart(sandbox, connect, fields, error):
    """Missing, unknown and unusable grants each have their OAuth error."""
    answer = form(connect(sandbox, None), **fields)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_client_may_only_use_its_own_grants(sandbox, connect):
    """A client without the code grant cannot redeem codes."""
    answer = form(
        connect(sandbox, None), ("demo-readonly", "demo-readonly-secret"), grant_type="authorization_code", code="x"
    )
    assert answer.json()["error"] == "unauthorized_client"


def test_an_authorization_code_is_good_once_and_gives_a_refresh_token(sandbox, connect):
    """The code of /oauth/authorize is redeemed once; its refresh token is renewed at each use."""
    api = connect(sandbox, None)
    back = authorize(api, state="s1")
    assert back.status_code == 302
    assert parse_qs(urlsplit(back.headers["location"]).query)["state"] == ["s1"]
    fields = {"grant_type": "authorization_code", "code": code_of(back), "redirect_uri": REDIRECT}
    first = form(api, **fields).json()
    assert form(api, **fields).json()["error"] == "invalid_grant"
    second = form(api, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    again = form(api, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert again.json()["error"] == "invalid_grant"
    assert api.use(second["access_token"]).get("/api/v2/flows").status_code == 200
    assert api.use(first["access_token"]).get("/api/v2/flows").status_code == 200


def test_a_code_only_fits_the_redirect_uri_it_was_given_for(sandbox, connect):
    """Another redirect_uri at redemption is refused."""
    api = connect(sandbox, None)
    fields = {"grant_type": "authorization_code", "code": code_of(authorize(api)), "redirect_uri": REDIRECT + "/x"}
    assert form(api, **fields).json()["error"] == "invalid_grant"


def test_pkce_needs_no_secret_but_the_verifier(sandbox, connect):
    """With S256 the verifier replaces the secret, and a wrong verifier is refused."""
    api = connect(sandbox, None)
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()

    def redeem(with_verifier):
        code = code_of(authorize(api, code_challenge=challenge, code_challenge_method="S256"))
        return form(
            api, None, grant_type="authorization_code", code=code, redirect_uri=REDIRECT, client_id="demo",
            code_verifier=with_verifier,
        )  # fmt: skip

    assert redeem("w" * 64).json()["error"] == "invalid_grant"
    assert redeem("v" * 42).json()["error"] == "invalid_grant"
    good = redeem(verifier)
    assert good.status_code == 200
    renewed = form(api, None, grant_type="refresh_token", refresh_token=good.json()["refresh_token"], client_id="demo")
    assert renewed.status_code == 200


def test_codes_go_to_loopback_or_registered_addresses_only(sandbox, connect):
    """An unknown client or a foreign redirect_uri never gets a redirect."""
    api = connect(sandbox, None)
    assert authorize(api, redirect_uri="https://evil.example/cb").status_code == 400
    assert authorize(api, client_id="nobody").status_code == 400
    assert "unsupported_response_type" in authorize(api, response_type="token").headers["location"]


def test_a_saml2_assertion_signs_its_user_in(sandbox, connect):
    """The user that the assertion's NameID names gets a token with that user's rights."""
    api = connect(sandbox, None)
    xml = "<saml:Subject><saml:NameID Format='x'>ben@example.com</saml:NameID></saml:Subject>"
    answer = form(api, grant_type=SAML2, orgName="sandbox", assertion=base64.b64encode(xml.encode()).decode())
    assert answer.status_code == 200
    api.use(answer.json()["access_token"])
    assert api.get("/api/v2/flows").status_code == 200
    assert api.launch().status_code == 403


def test_scopes_bind_the_tokens_of_users(open_sandbox, connect):
    """A user's token without the scope architect cannot launch, whatever the user's roles allow."""
    world = {
        "clients": [
            {"id": "web", "secret": "web-secret", "grants": ["CODE"], "scopes": ["architect:readonly"], "roles": []}
        ]
    }
    api = connect(open_sandbox(world=world), None)
    code = code_of(authorize(api, client_id="web"))
    answer = form(api, ("web", "web-secret"), grant_type="authorization_code", code=code, redirect_uri=REDIRECT)
    api.use(answer.json()["access_token"])
    assert api.get("/api/v2/flows").status_code == 200
    refused = api.launch()
    assert (refused.status_code, refused.json()["code"]) == (403, "not.authorized")


def test_several_tokens_of_one_client_live_side_by_side(sandbox, connect):
    """A new token does not end the old ones."""
    api = connect(sandbox, None)
    tokens = {api.token().json()["access_token"] for _ in range(5)}
    assert len(tokens) == 5
    assert {api.use(token).get("/api/v2/tokens/me").status_code for token in tokens} == {200}


def test_a_token_expires_by_the_sandboxs_clock(open_sandbox, connect):
    """After expires_in seconds the token answers 401 bad.credentials."""
    sandbox = open_sandbox(clock="frozen", token_life_s=600)
    api = connect(sandbox)
    sandbox.advance(599)
    assert api.get("/api/v2/flows").status_code == 200
    sandbox.advance(1)
    answer = api.get("/api/v2/flows")
    assert (answer.status_code, answer.json()["code"]) == (401, "bad.credentials")


def test_who_am_i_names_client_and_organization(sandbox, api):
    """GET /tokens/me needs no permission and names the OAuth client, its organization and its roles."""
    answer = api.get("/api/v2/tokens/me").json()
    assert answer["OAuthClient"]["id"] == "demo"
    assert answer["organization"]["name"] == "Sandbox Ltd"
    assert answer["OAuthClient"]["roleDivisions"]


def test_signing_out_ends_the_token(sandbox, api):
    """DELETE /tokens/me ends the token; HEAD tells whether it still lives."""
    assert api.call("HEAD", "/api/v2/tokens/me").status_code == 200
    assert api.call("DELETE", "/api/v2/tokens/me").status_code == 200
    assert api.call("HEAD", "/api/v2/tokens/me").status_code == 401


def test_every_token_can_be_revoked_at_once(sandbox, connect):
    """revoke_tokens() makes the next call of every client a 401."""
    first, second = connect(sandbox), connect(sandbox)
    assert sandbox.revoke_tokens() == 2
    assert {first.get("/api/v2/flows").status_code, second.get("/api/v2/flows").status_code} == {401}


def test_missing_and_wrong_bearers_have_their_official_codes(sandbox, connect):
    """No bearer is authentication.required, a made-up one bad.credentials, both 401."""
    api = connect(sandbox, None)
    missing = api.get("/api/v2/flows")
    wrong = api.use("made-up").get("/api/v2/flows")
    assert (missing.status_code, missing.json()["code"]) == (401, "authentication.required")
    assert missing.json()["message"] == "No authentication bearer token specified in authorization header."
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bad.credentials")


def test_an_empty_bearer_passes_only_in_the_lax_mode(open_sandbox, connect):
    """`lax_auth` lets the gc CLI's empty bearer through with every permission; a made-up token still fails."""
    strict, lax = connect(open_sandbox(), None), connect(open_sandbox(lax_auth=True), None)
    assert strict.get("/api/v2/flows").status_code == 401
    assert lax.get("/api/v2/flows").status_code == 200
    assert lax.use("").launch().status_code == 200
    assert lax.use("made-up").get("/api/v2/flows").status_code == 401


def test_too_many_token_requests_get_the_official_refusal(open_sandbox, connect):
    """Beyond token_requests_per_minute the token endpoint answers 400 invalid_request, rate limit exceeded."""
    api = connect(open_sandbox(token_requests_per_minute=2), None)
    answers = [api.token() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 400]
    assert answers[2].json()["error"] == "invalid_request"
    assert re.match(r"rate limit exceeded;", answers[2].json()["error_description"])
