"""Signing in: the form of each grant, the life of a token, and what each refusal means."""

import json
from base64 import b64decode
from urllib.parse import parse_qs

import pytest
from driving import HOSTS, MAY_HAVE_LEFT, NEVER_LEFT, Hand, response
from hypothesis import given, strategies as st

from flowlaunch._core.messages import Lost
from flowlaunch._core.retry import RetryPolicy
from flowlaunch._core.steps import Moment, Pause
from flowlaunch._core.tokens import (
    DEFAULT_LIFE_S,
    NOTHING_HELD,
    Grant,
    Held,
    next_credentials,
    token_plan,
    token_request,
)
from flowlaunch.contracts import GUIDE, PLATFORM
from flowlaunch.credentials import (
    AccessToken,
    AuthorizationCode,
    ClientCredentials,
    Pkce,
    RefreshToken,
    Saml2Bearer,
)
from flowlaunch.errors import (
    AuthenticationError,
    DeadlineError,
    DecodeError,
    InvalidRequestError,
    NotFoundError,
    NotSentError,
    PermissionDeniedError,
    RateLimitedError,
    ReplyLostError,
    ServerError,
)
from flowlaunch.regions import resolve_region

CLIENT = ClientCredentials("id", "s3cret-value")
CODE = AuthorizationCode("id", "s3cret-value", "the-code", "http://127.0.0.1/cb")
PKCE = Pkce("id", "the-code", "the-verifier", "http://127.0.0.1/cb")
REFRESH = RefreshToken("id", "s3cret-value", "the-refresh-token")
SAML = Saml2Bearer("id", "s3cret-value", "My Org", "PHNhbWw+")


def answer(**fields):
    """Return a token answer."""
    return response(200, json.dumps({"access_token": "tok-1", "token_type": "bearer"} | fields).encode())


def refused(status=400, error="", description="", **headers):
    """Return an OAuth refusal with both of the platform's descriptions (official)."""
    body = {"error": error, "description": description, "error_description": description}
    return response(status, json.dumps(body).encode(), **headers)


THROTTLE = refused(400, "invalid_request", "rate limit exceeded; try later")


def sign_in(hand, credentials=CLIENT, contract=PLATFORM, timeout_s=30.0):
    """Sign in by `hand`."""
    return hand.run(token_plan(contract, HOSTS, credentials, RetryPolicy(), hand.now_s + timeout_s))


@pytest.mark.parametrize(
    ("credentials", "form", "has_basic"),
    [
        (CLIENT, {"grant_type": "client_credentials"}, True),
        (CODE, {"grant_type": "authorization_code", "code": "the-code", "redirect_uri": "http://127.0.0.1/cb"}, True),
        (
            PKCE,
            {
                "grant_type": "authorization_code",
                "code": "the-code",
                "redirect_uri": "http://127.0.0.1/cb",
                "code_verifier": "the-verifier",
                "client_id": "id",
            },
            False,
        ),
        (REFRESH, {"grant_type": "refresh_token", "refresh_token": "the-refresh-token"}, True),
        (
            RefreshToken("id", "", "the-refresh-token"),
            {"grant_type": "refresh_token", "refresh_token": "the-refresh-token", "client_id": "id"},
            False,
        ),
        (
            SAML,
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:saml2-bearer",
                "orgName": "My Org",
                "assertion": "PHNhbWw+",
            },
            True,
        ),
    ],
    ids=["client credentials", "code", "PKCE", "refresh", "public refresh", "SAML2"],
)
def test_each_grant_has_its_own_form(credentials, form, has_basic):
    """Fields and client authentication are those of the official SDK 269.0.0, one grant after the other."""
    request = token_request(PLATFORM, resolve_region("eu-west-1"), credentials)

    assert request.call.url == "https://login.mypurecloud.ie/oauth/token"
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert {name: values[0] for name, values in parse_qs(request.call.body.decode()).items()} == form
    assert ("authorization" in request.headers) == has_basic
    if has_basic:
        assert b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"id:s3cret-value"


def test_a_secret_may_be_any_text():
    """Basic credentials are UTF-8, so a secret need not be ASCII."""
    request = token_request(PLATFORM, HOSTS, ClientCredentials("id", "geheim-ß"))

    assert b64decode(request.headers["authorization"].removeprefix("Basic ")).decode() == "id:geheim-ß"


def test_the_guide_contract_sends_id_and_secret_as_form_fields():
    """Under the guide contract the token is asked for on the API host, with both in the form."""
    hosts = resolve_region("eu-west-1")
    request = token_request(GUIDE, hosts, CLIENT)

    assert request.call.url == f"{hosts.api_url}/oauth/token"
    assert "authorization" not in request.headers
    assert parse_qs(request.call.body.decode())["client_secret"] == ["s3cret-value"]


@given(st.floats(1, 10**7), st.floats(0, 10**6))
def test_a_token_is_renewed_five_minutes_or_a_tenth_of_its_life_early(life_s, now_s):
    """Renewal comes five minutes before the end, or a tenth of the life before it if that is less."""
    held = Grant("t", life_s, "", Moment(now_s, now_s + 5)).held(3)

    early_s = now_s + life_s - held.renew_at_s
    assert early_s == pytest.approx(min(300.0, life_s / 10), abs=0.01)
    assert held.expires_unix_s == now_s + 5 + life_s
    assert held.generation == 3


@pytest.mark.parametrize(
    ("fields", "life_s"),
    [
        ({"expires_in": 86399}, 86399),
        ({"expires_in": "600"}, 600),
        ({"expires_in": 599.5}, 599.5),
        ({}, DEFAULT_LIFE_S),
        ({"expires_in": None}, DEFAULT_LIFE_S),
        ({"expires_in": 0}, DEFAULT_LIFE_S),
        ({"expires_in": -1}, DEFAULT_LIFE_S),
    ],
)
def test_the_life_of_a_token_is_what_the_answer_says(fields, life_s):
    """expires_in counts, as number or text; without a usable one the platform's default of a day holds (official)."""
    assert sign_in(Hand([answer(**fields)])).life_s == life_s


def test_a_grant_counts_its_life_from_when_it_was_asked_for():
    """A slow answer does not lengthen the life of a token."""
    grant = sign_in(Hand([answer(expires_in=1000)], now_s=50.0, send_s=9.0))

    assert grant.held(1).renew_at_s == 50.0 + 900.0


def test_a_refresh_token_is_used_next():
    """What signed in with a code renews with the refresh token that came with it."""
    held = Held("t", 1, refresh_token="r-1")

    assert next_credentials(CODE, held) == RefreshToken("id", "s3cret-value", "r-1")
    assert next_credentials(PKCE, held) == RefreshToken("id", "", "r-1")
    assert next_credentials(REFRESH, held) == RefreshToken("id", "s3cret-value", "r-1")
    assert next_credentials(CODE, NOTHING_HELD) is CODE
    for endless in (CLIENT, SAML):
        assert next_credentials(endless, held) is endless


def test_a_refresh_token_outlives_an_answer_without_one():
    """A service that does not hand out a new refresh token means that the old one stays good (RFC 6749, 6)."""
    assert sign_in(Hand([answer()]), REFRESH).refresh_token == "the-refresh-token"
    assert sign_in(Hand([answer(refresh_token="r-2")]), REFRESH).refresh_token == "r-2"
    assert sign_in(Hand([answer(refresh_token=None)]), CODE).refresh_token == ""


def test_bad_credentials_say_to_check_the_region():
    """invalid_client, which is HTTP 400 (observed), is an authentication error whose hint begins with the region."""
    hand = Hand([refused(400, "invalid_client", "authentication failed", inin_correlation_id="c-1")])

    with pytest.raises(AuthenticationError) as caught:
        sign_in(hand)

    error = caught.value
    assert error.message == "could not sign in: authentication failed (HTTP 400 invalid_client)"
    assert error.hint.startswith("Check the region first")
    assert (error.status, error.server_code, error.correlation_id) == (400, "invalid_client", "c-1")
    assert len(hand.sent) == 1


def test_a_host_without_a_token_endpoint_says_to_check_the_login_host():
    """A 404 to a sign-in means a wrong host, and the hint says so."""
    hand = Hand([response(404, b'{"code": "not.found", "message": "The requested resource was not found."}')])

    with pytest.raises(NotFoundError) as caught:
        sign_in(hand)

    assert "login host" in caught.value.hint


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("invalid_grant", "sign in again"),
        ("unauthorized_client", "grant type"),
        ("unsupported_grant_type", "grant type"),
        ("something_new", "Check client id, secret and region"),
    ],
)
def test_each_oauth_error_has_its_cure(error, words):
    """What the login host's code means is said in the hint."""
    with pytest.raises(AuthenticationError) as caught:
        sign_in(Hand([refused(400, error)]))

    assert words in caught.value.hint
    assert caught.value.server_code == error


def test_too_many_sign_ins_are_waited_out():
    """invalid_request with "rate limit exceeded" (official) is no refusal of the credentials: it is repeated."""
    hand = Hand([THROTTLE, THROTTLE, answer()])

    assert sign_in(hand).access_token == "tok-1"
    assert [pause.at_least_s for pause in hand.of(Pause)] == [1.0, 1.0]


def test_too_many_sign_ins_that_do_not_stop_end_as_a_rate_limit():
    """When the time is spent, the error is a rate limit and not an authentication error."""
    hand = Hand([THROTTLE])

    with pytest.raises(RateLimitedError) as caught:
        sign_in(hand)

    assert hand.now_s <= 30
    assert caught.value.server_code == "invalid_request"
    assert "token cache" in caught.value.hint


@pytest.mark.parametrize(("status", "error"), [(429, ""), (400, "invalid_request")])
def test_a_throttled_sign_in_honours_retry_after(status, error):
    """Retry-After of the login host is waited for, or ends the call when it does not fit."""
    throttle = refused(status, error, "Rate limit exceeded; wait", retry_after="8")
    assert sign_in(Hand([throttle, answer()])).access_token == "tok-1"

    late = Hand([refused(status, error, "Rate limit exceeded; wait", retry_after="3600")])
    with pytest.raises(RateLimitedError) as caught:
        sign_in(late)
    assert (caught.value.retry_after_s, len(late.sent)) == (3600.0, 1)


def test_another_invalid_request_is_a_refusal():
    """invalid_request alone is not a rate limit."""
    with pytest.raises(AuthenticationError):
        sign_in(Hand([refused(400, "invalid_request", "missing grant_type")]))


@pytest.mark.parametrize("reply", [NEVER_LEFT, MAY_HAVE_LEFT, response(502), response(503), response(504)])
def test_a_sign_in_is_repeated_when_its_answer_is_lost(reply):
    """Asking for a token twice does no harm, so lost answers and unavailability are repeated."""
    hand = Hand([reply, reply, answer()])

    assert sign_in(hand).access_token == "tok-1"
    assert len(hand.sent) == 3


@pytest.mark.parametrize("credentials", [CODE, PKCE, SAML])
def test_what_is_good_for_one_use_is_not_sent_twice(credentials):
    """A code or an assertion may be spent once its answer is lost, so it is not sent again."""
    for reply in (MAY_HAVE_LEFT, response(503)):
        hand = Hand([reply])
        with pytest.raises((ReplyLostError, ServerError)) as caught:
            sign_in(hand, credentials)
        assert len(hand.sent) == 1
        assert "try again" not in caught.value.hint


@pytest.mark.parametrize("credentials", [CODE, PKCE, SAML])
def test_what_never_left_may_be_sent_again(credentials):
    """A code that did not leave is still good."""
    hand = Hand([NEVER_LEFT, answer()])

    assert sign_in(hand, credentials).access_token == "tok-1"


@pytest.mark.parametrize(
    ("reply", "error", "sends"),
    [
        (NEVER_LEFT, NotSentError, 4),
        (MAY_HAVE_LEFT, ReplyLostError, 4),
        (Lost(request_left=False, kind="certificate", reason="x"), NotSentError, 1),
        (response(500), ServerError, 1),
        (response(503), ServerError, 4),
        (response(401), AuthenticationError, 1),
        (response(403), PermissionDeniedError, 1),
        (response(404), InvalidRequestError, 1),
        (response(302, location="https://portal"), InvalidRequestError, 1),
    ],
    ids=lambda value: getattr(value, "kind", None) or (getattr(value, "status", None) and str(value.status)),
)
def test_each_failure_of_a_sign_in_has_its_class(reply, error, sends):
    """A sign-in that fails for good ends in the class that its last reply deserves."""
    hand = Hand([reply])

    with pytest.raises(error if error is not InvalidRequestError else Exception) as caught:
        sign_in(hand)

    assert "sign in" in caught.value.message
    assert len(hand.sent) == sends


def test_time_that_runs_out_while_signing_in_is_a_deadline():
    """A login host that does not answer in time gives DeadlineError with the time that was given."""
    with pytest.raises(DeadlineError) as caught:
        sign_in(Hand([Lost(request_left=True, kind="timeout", reason="silence")], send_s=31))

    assert caught.value.timeout_s == 30
    assert "no answer within 30 s (silence)" in caught.value.message


@pytest.mark.parametrize(
    ("reply", "timeout_s", "error"),
    [
        (THROTTLE, 1.2, RateLimitedError),
        (response(429, retry_after="3"), 3.5, RateLimitedError),
        (response(503), 0.4, ServerError),
        (NEVER_LEFT, 0.4, DeadlineError),
    ],
    ids=["throttled", "too many", "down", "away"],
)
@pytest.mark.parametrize("wake_late_s", [0.0, 5.0])
def test_a_sign_in_is_not_repeated_with_no_time_for_its_answer(reply, timeout_s, error, wake_late_s):
    """When a repeat would leave in the last moment of the time given, the refusal itself is told instead."""
    late = Lost(request_left=True, kind="timeout", reason="no time left")
    hand = Hand([reply, late], wake_late_s=wake_late_s)

    with pytest.raises(error):
        sign_in(hand, timeout_s=timeout_s)

    assert len(hand.sent) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>Sign in to the hotel's network</html>", "web page"),
        (b"", "web page"),
        (b"[]", "web page"),
        (b'{"access_token": ["tok-secret-1"]}', "web page"),
        (b'{"access_token": 12345678}', "web page"),
        (b"\xff\xfe", "web page"),
        (b"[" * 50_000, "web page"),
        (b"{}", "base URL"),
        (b'{"access_token": ""}', "base URL"),
        (b'{"access_token": null}', "web page"),
        (b'{"access_token": "tok-secret-1\\r\\nx-evil: 1"}', "base URL"),
    ],
    ids=range(11),
)
def test_a_2xx_that_is_no_token_is_told_and_hides_what_it_holds(body, words):
    """An answer without a token is a DecodeError that shows the answer, its secrets taken out."""
    with pytest.raises(DecodeError) as caught:
        sign_in(Hand([response(200, body)]))

    assert words in caught.value.hint
    assert "could not sign in" in caught.value.message
    assert "tok-secret-1" not in str(caught.value)


@pytest.mark.parametrize("body", [b'{"error": {"code": 1}}', b'{"error": ["x"]}', b'{"error": 5, "description": {}}'])
def test_an_error_body_of_any_shape_is_survived(body):
    """A refusal whose fields are no text is still an authentication error."""
    with pytest.raises(AuthenticationError):
        sign_in(Hand([response(400, body)]))


def test_a_refusal_shows_no_secret_that_it_echoes():
    """A login host that echoes the form does not bring the secret into the error."""
    for error in ("invalid_client", "invalid_request"):
        echo = refused(400, error, "rate limit exceeded; client_secret=s3cret-value was sent", retry_after="99")
        with pytest.raises((AuthenticationError, RateLimitedError)) as caught:
            sign_in(Hand([echo]))
        assert "s3cret-value" not in str(caught.value)


def test_a_given_token_cannot_be_renewed():
    """A token from elsewhere that was refused ends in an authentication error that says how to do better."""
    hand = Hand([])

    with pytest.raises(AuthenticationError) as caught:
        sign_in(hand, AccessToken("given"))

    assert hand.sent == []
    assert "cannot be renewed" in caught.value.hint
