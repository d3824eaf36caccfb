"""No secret reaches any place that people or programs read: errors, logs, events, reprs."""

import dataclasses
import logging
import pickle
import traceback

import pytest
from driving import HOSTS, Hand, api, launch_call, response
from hypothesis import given, strategies as st

from flowlaunch import credentials, hooks
from flowlaunch._core.calls import sent_plan
from flowlaunch._core.redact import HIDDEN, SECRET_HEADERS, redact_headers, redact_text, scrubbed
from flowlaunch._core.retry import RetryPolicy
from flowlaunch._core.steps import Deadline, Send
from flowlaunch._core.tokens import Grant, Held, token_plan, token_request
from flowlaunch._io.network import Network, lost
from flowlaunch._io.shared import Shared
from flowlaunch.contracts import GUIDE, PLATFORM
from flowlaunch.errors import FlowlaunchError
from flowlaunch.settings import Settings

SECRET = "Zx9-secret_value.42"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: basic {SECRET}==",
        f'{{"access_token": "{SECRET}", "expires_in": 5}}',
        f'{{"refresh_token":"{SECRET}',
        f'{{"Client_Secret" : "{SECRET}"}}',
        f'{{"access_token": ["{SECRET}"]}}',
        f"grant_type=x&client_secret={SECRET}&a=b",
        f"code={SECRET}",
        f"assertion={SECRET} and more",
        f"code_verifier={SECRET}",
        f"https://user:{SECRET}@proxy.example:3128/",
        f"password={SECRET}",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text):
    """Tokens, secrets, codes, assertions and passwords are taken out of any text."""
    assert SECRET not in redact_text(text)
    assert HIDDEN in redact_text(text)


def test_what_is_no_secret_is_kept():
    """Messages keep what people need to read."""
    text = 'HTTP 400 {"code": "bad.request", "message": "Invalid value"} for https://api.example/x?name=a'

    assert redact_text(text) == text


def test_known_secrets_are_hidden_wherever_they_stand():
    """A secret that is known is taken out of an answer even where nothing names it."""
    echo = response(400, f"<b>{SECRET}</b>".encode(), location=f"/{SECRET}")

    hidden = scrubbed(echo, [SECRET, "other"])

    assert (hidden.body, hidden.headers["location"]) == (f"<b>{HIDDEN}</b>".encode(), f"/{HIDDEN}")


def test_very_short_secrets_are_not_looked_for():
    """Hiding a secret of three letters would blot out words; an answer without secrets is left as it is."""
    echo = response(400, b"an abc")

    assert scrubbed(echo, ["abc", "", SECRET]) is echo


@given(st.text())
def test_any_text_can_be_redacted(text):
    """Redacting never fails, and redacting twice changes nothing more."""
    once = redact_text(text)

    assert redact_text(once) == once


@pytest.mark.parametrize("name", [*SECRET_HEADERS, "Authorization", "COOKIE"])
def test_secret_headers_are_hidden_whatever_their_case(name):
    """Headers that hold credentials are shown without them."""
    assert redact_headers({name: SECRET, "accept": "x"}) == {name: HIDDEN, "accept": "x"}


ALL_CREDENTIALS = [
    credentials.ClientCredentials("id", SECRET),
    credentials.AuthorizationCode("id", SECRET, SECRET, "http://cb"),
    credentials.Pkce("id", SECRET, SECRET, "http://cb"),
    credentials.RefreshToken("id", SECRET, SECRET),
    credentials.Saml2Bearer("id", SECRET, "org", SECRET),
    credentials.AccessToken(SECRET),
]


@pytest.mark.parametrize("given_credentials", ALL_CREDENTIALS, ids=lambda one: type(one).__name__)
def test_credentials_print_without_secrets(given_credentials):
    """repr and str of every way to sign in hide what is secret."""
    assert SECRET not in f"{given_credentials!r} {given_credentials}"


def reprs():
    """Yield everything of the client that holds a secret and may be printed."""
    yield Settings("us-east-1", client_secret=SECRET, access_token=SECRET, proxy=f"http://u:{SECRET}@p")
    yield Held(SECRET, 1, refresh_token=SECRET)
    yield Grant(SECRET, 5.0, SECRET, None)
    yield Network(proxy=f"http://u:{SECRET}@p")
    for one in ALL_CREDENTIALS:
        yield Shared(api(), one, None, hooks.Teller(None))
        if not isinstance(one, credentials.AccessToken):
            for contract in (PLATFORM, GUIDE):
                yield token_request(contract, HOSTS, one)
                yield Send(token_request(contract, HOSTS, one), 1.0)
    yield lost("proxy", f"cannot reach http://u:{SECRET}@proxy", left=False)


@pytest.mark.parametrize("index", range(len(list(reprs()))))
def test_nothing_that_holds_a_secret_prints_it(index):
    """Settings, tokens, requests, steps and shared state can be printed without harm."""
    assert SECRET not in repr(list(reprs())[index])


def test_a_request_prints_without_input_data():
    """Input data may be personal: a printed request does not hold it."""
    assert "Ada" not in repr(launch_call(b'{"inputData": {"Flow.customerName": "Ada"}}'))


ECHOES = [
    f"Bearer {SECRET} was refused",
    f"<html><body>token {SECRET} not known</body></html>",
    f'{{"message": "no such token: {SECRET}", "code": "x"}}',
    f'{{"message": "x", "debug": {{"authorization": "Bearer {SECRET}"}}}}',
]


def sinks(error):
    """Return all that an error shows, in every way in which it is shown."""
    trace = "".join(traceback.format_exception(error))
    fields = [str(value) for value in vars(error).values()]
    return "\n".join([str(error), repr(error), repr(error.details), *fields, trace])


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 429, 500])
def test_an_answer_that_echoes_the_token_does_not_bring_it_into_an_error(echo, status):
    """Whatever a service writes back, the bearer token that was sent is in no error made of it."""

    class Own(Hand):
        def _answer(self, step):
            found = super()._answer(step)
            return dataclasses.replace(found, token=SECRET) if isinstance(found, Held) else found

    hand = Own([response(status, echo.encode(), location=f"https://x/?access_token={SECRET}")])
    try:
        hand.run(sent_plan(api(), launch_call(), Deadline(30.0, 30.0), flow_id="f"))
    except FlowlaunchError as error:
        assert SECRET not in sinks(error)  # noqa: PT017 - a 200 raises nothing


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
@pytest.mark.parametrize("given_credentials", ALL_CREDENTIALS[:-1], ids=lambda one: type(one).__name__)
def test_a_sign_in_that_echoes_the_secret_does_not_bring_it_into_an_error(echo, status, given_credentials):
    """A login host that writes the secret back does not bring it into an error."""
    with pytest.raises(FlowlaunchError) as caught:
        Hand([response(status, echo.encode())]).run(token_plan(PLATFORM, HOSTS, given_credentials, RetryPolicy(), 30.0))

    assert SECRET not in sinks(caught.value)


def test_events_and_log_records_hold_no_secret(caplog):
    """What hooks and the log get is an event without token, secret or input data."""
    told = []
    teller = hooks.Teller(told.append)
    shared = Shared(api(), credentials.ClientCredentials("id", SECRET), None, teller)
    request = token_request(GUIDE, HOSTS, shared.credentials)
    with caplog.at_level(logging.DEBUG, "flowlaunch.client"):
        shared.answered(request, response(400, SECRET.encode()), 0.1)
        shared.answered(request, lost("reset", f"client_secret={SECRET}", left=True), 0.1)
        teller.tell(hooks.Event("warning", outcome="careful"))

    assert [event.kind for event in told] == ["attempt", "attempt", "warning"]
    assert len(caplog.records) == 3
    assert SECRET not in repr(told)
    assert SECRET not in caplog.text
    assert SECRET not in "".join(str(record.__dict__) for record in caplog.records)


def test_a_hook_that_fails_harms_nobody(caplog):
    """A hook's error is logged and swallowed."""

    def broken(_event):
        raise ValueError("my hook")

    hooks.Teller(broken).tell(hooks.Event("pause"))

    assert "a hook failed on pause" in caplog.text


def all_errors():
    """Return every error class that a client raises, with one instance each."""
    from flowlaunch._core.failures import api_error

    errors = [api_error(launch_call(), response(status)) for status in (400, 401, 403, 404, 409, 429, 500)]
    for reply in (response(502), lost("reset", "x", left=False)):
        try:
            Hand([reply]).run(sent_plan(api(), launch_call(), Deadline(3.0, 3.0), flow_id="f", key="k"))
        except FlowlaunchError as error:
            errors.append(error)
    return errors


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: type(error).__name__)
def test_an_error_crosses_processes_unchanged(error):
    """Errors can be pickled, so that a pool of processes hands them on instead of breaking."""
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
