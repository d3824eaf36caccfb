"""From a refused answer to the error: its class, what it names, and what it hides."""

import json

import pytest
from driving import launch_call, read_call, response
from hypothesis import given, strategies as st

from flowlaunch._core.failures import BODY_CHARS, api_error, lost_error, read_error_body, retry_after_s, shown_body
from flowlaunch._core.messages import Lost
from flowlaunch.errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    NotSentError,
    PermissionDeniedError,
    RateLimitedError,
    ReplyLostError,
    ServerError,
)


def official(status, code, message, **headers):
    """Return an official error body."""
    body = {"message": message, "code": code, "status": status, "contextId": "c-body", "details": [], "errors": []}
    return response(status, json.dumps(body).encode(), **headers)


CLASSES = {
    302: InvalidRequestError,
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: InvalidRequestError,
    408: InvalidRequestError,
    409: ConflictError,
    410: InvalidRequestError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitedError,
    500: ServerError,
    501: ServerError,
    502: ServerError,
    503: ServerError,
    504: ServerError,
}


@pytest.mark.parametrize("status", CLASSES)
def test_each_status_has_its_class(status):
    """The status alone decides the class."""
    error = api_error(read_call(), response(status))

    assert type(error) is CLASSES[status]
    assert error.status == error.details["status"] == status
    assert error.operation == "read execution"


def test_an_error_says_what_was_tried_on_what_and_what_came_back():
    """Message, code, status, correlation id and body of an official error are all there."""
    error = api_error(
        launch_call(),
        official(404, "architect.flow.not.found", "Could not find flow with specified ID.", inin_correlation_id="c-1"),
    )

    assert error.message == (
        "could not launch flow 'Order': Could not find flow with specified ID. "
        "(HTTP 404 architect.flow.not.found, correlation id c-1)"
    )
    assert (error.server_code, error.correlation_id) == ("architect.flow.not.found", "c-1")
    assert '"details"' in error.body
    assert "region" in error.hint


def test_the_body_names_the_correlation_id_when_no_header_does():
    """contextId is the same value (official)."""
    assert api_error(read_call(), official(500, "x", "y")).correlation_id == "c-body"


def test_a_denial_names_the_permission_that_is_missing():
    """The hint of a 403 names the right that the operation needs (official)."""
    assert "architect:flow:launch" in api_error(launch_call(), response(403)).hint
    assert "architect:flowExecution:view" in api_error(read_call(), response(403)).hint


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "flowlaunch check"),
        (401, "another region"),
        (405, "workflow"),
        (410, "deleted"),
        (413, "smaller"),
        (500, "support"),
    ],
)
def test_a_status_has_a_hint(status, words):
    """Each common refusal says what to do next."""
    assert words in api_error(read_call(), response(status)).hint


def test_a_redirect_is_not_followed_but_told():
    """A redirect means that the host is no API host: the hint says where it points, without credentials."""
    error = api_error(launch_call(), response(302, b"", location="https://me:pw@portal.example/login"))

    assert "https://[redacted]@portal.example/login" in error.hint


HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>CloudFront</h1></body></html>"


def test_an_html_body_is_told_as_text():
    """A gateway's HTML page is shown without its markup."""
    error = api_error(read_call(), response(502, HTML, content_type="text/html"))

    assert "502 Bad Gateway CloudFront" in error.message
    assert "<" not in error.body


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"text"', b"\xff\xfe", b"{", b'{"message": 5, "code": []}', b"[" * 50_000]
)
def test_a_body_of_any_shape_is_survived(body):
    """An empty body, other JSON, broken JSON or bytes still give an error with status and message."""
    error = api_error(read_call(), response(503, body))

    assert "HTTP 503" in error.message
    assert error.message.startswith("could not read execution e-1: ")


def test_an_empty_body_is_said_to_be_empty():
    """An error without a body says so."""
    assert "the answer had no body" in api_error(read_call(), response(500, b"")).message


def test_a_long_body_is_shortened():
    """Only the beginning of a long body is kept."""
    assert len(api_error(read_call(), response(500, b"x" * 100_000)).body) == BODY_CHARS


@pytest.mark.parametrize(
    ("headers", "body", "wanted"),
    [
        ({"retry_after": "42"}, b"{}", 42.0),
        ({"retry_after": " 7 "}, b"{}", 7.0),
        ({"retry_after": "0"}, b"{}", 0.0),
        ({"retry_after": "soon"}, b"{}", None),
        ({"retry_after": "-5"}, b"{}", None),
        ({"retry_after": "1.5"}, b"{}", None),
        ({"inin_ratelimit_reset": "9"}, b"{}", 9.0),
        ({"retry_after": "3", "inin_ratelimit_reset": "9"}, b"{}", 3.0),
        ({}, b'{"message": "Rate limit exceeded the maximum. Retry the request in [42] seconds"}', 42.0),
        ({}, b'{"message": "Retry the request in 5 seconds"}', 5.0),
        ({}, b'{"message": 7}', None),
        ({}, b"", None),
    ],
)
def test_the_time_to_wait_is_read_from_header_or_body(headers, body, wanted):
    """Retry-After in whole seconds, the retired reset header, and the official sentence all count, in this order."""
    assert retry_after_s(response(429, body, **headers)) == wanted


def test_a_rate_limit_says_how_long_to_wait():
    """Without a time the hint says only to wait."""
    assert api_error(read_call(), response(429, retry_after="5")).hint.startswith("Wait 5 s before")
    assert api_error(read_call(), response(429)).hint.startswith("Wait before")
    assert api_error(read_call(), response(429)).retry_after_s is None


@pytest.mark.parametrize(
    ("kind", "words"),
    [("certificate", "ca_file"), ("proxy", "HTTPS_PROXY"), ("dns", "spelling"), ("connect", "doctor"), ("tls", "CA")],
)
def test_what_was_not_sent_says_why(kind, words):
    """Each kind of failure to connect has its own cure."""
    error = lost_error(launch_call(), Lost(request_left=False, kind=kind, reason="because"))

    assert type(error) is NotSentError
    assert error.message == "could not launch flow 'Order': nothing was sent (because)"
    assert error.details == {"kind": kind}
    assert words in error.hint


def test_a_read_without_an_answer_is_safe_to_repeat():
    """A lost answer to a read says so."""
    error = lost_error(read_call(), Lost(request_left=True, kind="reset", reason="reset by peer"))

    assert type(error) is ReplyLostError
    assert "the answer was lost (reset by peer)" in error.message


@given(st.integers(300, 599), st.binary(max_size=300), st.text(st.characters(codec="latin-1"), max_size=20))
def test_no_refusal_crashes(status, body, header):
    """Whatever bytes a refusal consists of, an error is built from them."""
    answer = response(status, body, content_type=header, retry_after=header, inin_correlation_id=header)

    assert isinstance(api_error(launch_call(), answer), ApiError)
    read_error_body(answer)
    assert len(shown_body(answer)) <= BODY_CHARS + 200


def test_a_tls_session_that_the_server_ends_points_at_the_client_certificate():
    """With TLS 1.3 a missing client certificate shows only after the request, and the hint says what to set."""
    error = lost_error(read_call(), Lost(request_left=True, kind="tls", reason="certificate required"))

    assert "client_cert_file" in error.hint
