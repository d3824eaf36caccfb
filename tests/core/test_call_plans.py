"""How one call is carried to an answer: renewal, pace, pauses, deadline and doubt."""

from unittest.mock import ANY

import pytest
from driving import MAY_HAVE_LEFT, NEVER_LEFT, Hand, api, launch_call, read_call, response

from flowlaunch._core.calls import PUSH_BACK_LIMIT_S, call_plan, sent_plan
from flowlaunch._core.failures import retry_after_s
from flowlaunch._core.messages import Lost
from flowlaunch._core.pace import Slot
from flowlaunch._core.quota import RETRY_COST
from flowlaunch._core.retry import Outcome
from flowlaunch._core.steps import Bearer, Deadline, Pause, PushBack, Reserve, Send, Withdraw
from flowlaunch.errors import (
    AuthenticationError,
    DeadlineError,
    InvalidRequestError,
    LaunchInDoubtError,
    NotSentError,
    RateLimitedError,
    ReplyLostError,
    ServerError,
)

OK = response(200, b'{"id": "e-1"}')
UNAUTHORIZED = response(401, b'{"code": "bad.credentials", "message": "Invalid login credentials."}')
CERTIFICATE = Lost(request_left=False, kind="certificate", reason="self-signed")

REPLIES = {
    Outcome.ANSWERED: OK,
    Outcome.UNAUTHORIZED: UNAUTHORIZED,
    Outcome.THROTTLED: response(429),
    Outcome.REFUSED: response(400),
    Outcome.UNAVAILABLE: response(503),
    Outcome.BROKEN: response(500),
    Outcome.NOT_SENT: NEVER_LEFT,
    Outcome.LOST: MAY_HAVE_LEFT,
}


def carry(hand, call=None, *, timeout_s=30.0, plan=call_plan, **more):
    """Run the plan of a call (a read when None) by `hand`."""
    return hand.run(plan(api(), call or read_call(), Deadline(hand.now_s + timeout_s, timeout_s), **more))


def launch(hand, **more):
    """Run the plan of a launch by `hand`."""
    return carry(hand, launch_call(), plan=sent_plan, flow_id="flow-1", key="row-1", **more)


@pytest.mark.parametrize(
    ("outcome", "error", "sends"),
    [
        (Outcome.ANSWERED, None, 1),
        (Outcome.UNAUTHORIZED, AuthenticationError, 2),
        (Outcome.THROTTLED, RateLimitedError, 4),
        (Outcome.REFUSED, InvalidRequestError, 1),
        (Outcome.UNAVAILABLE, ServerError, 4),
        (Outcome.BROKEN, ServerError, 1),
        (Outcome.NOT_SENT, NotSentError, 4),
        (Outcome.LOST, ReplyLostError, 4),
    ],
)
def test_a_read_meets_each_outcome_for_ever(outcome, error, sends):
    """A read that always meets one outcome is sent so often and then ends in that outcome's error."""
    hand = Hand([REPLIES[outcome]])
    if error is None:
        assert carry(hand) is OK
    else:
        with pytest.raises(error):
            carry(hand)

    assert len(hand.sent) == sends


@pytest.mark.parametrize(
    ("outcome", "error", "sends"),
    [
        (Outcome.ANSWERED, None, 1),
        (Outcome.UNAUTHORIZED, AuthenticationError, 2),
        (Outcome.THROTTLED, RateLimitedError, 4),
        (Outcome.REFUSED, InvalidRequestError, 1),
        (Outcome.UNAVAILABLE, LaunchInDoubtError, 1),
        (Outcome.BROKEN, LaunchInDoubtError, 1),
        (Outcome.NOT_SENT, NotSentError, 4),
        (Outcome.LOST, LaunchInDoubtError, 1),
    ],
)
def test_a_launch_meets_each_outcome_for_ever(outcome, error, sends):
    """A launch that may have been acted on is sent once; the tables' other rows are as for reads."""
    hand = Hand([REPLIES[outcome]])
    if error is None:
        assert launch(hand)[0] is OK
    else:
        with pytest.raises(error):
            launch(hand)

    assert len(hand.sent) == sends


@pytest.mark.parametrize("run", [carry, launch])
def test_a_401_renews_once_and_repeats_once(run):
    """After a 401 the token is renewed and the call repeated with the new one, at once and without a pause."""
    hand = Hand([UNAUTHORIZED, OK])

    assert run(hand) in (OK, (OK, ANY))

    assert [step.refused for step in hand.of(Bearer)] == [0, 1]
    assert [request.headers["authorization"] for request in hand.sent] == ["Bearer token-1", "Bearer token-2"]
    assert hand.of(Pause) == []


def test_a_401_does_not_use_up_an_attempt():
    """A renewal is not counted among the attempts after unavailability."""
    hand = Hand([UNAUTHORIZED, response(503), response(503), response(503), OK])

    assert carry(hand) is OK


def test_a_401_after_other_trouble_is_still_renewed():
    """A token that expires between two attempts is renewed, too."""
    hand = Hand([response(503), UNAUTHORIZED, OK])

    assert carry(hand) is OK
    assert hand.of(Bearer)[-1].refused == 1


@pytest.mark.parametrize("run", [carry, launch])
def test_retry_after_is_waited_for(run):
    """A 429 with Retry-After is repeated no sooner than it says, and not much later."""
    hand = Hand([response(429, retry_after="7"), OK])

    assert run(hand) in (OK, (OK, ANY))

    (pause,) = hand.of(Pause)
    assert pause.at_least_s == 7
    assert 7 < pause.up_to_s <= 8
    assert hand.of(PushBack) == [PushBack(7.0)]


@pytest.mark.parametrize("run", [carry, launch])
@pytest.mark.parametrize("wanted_s", ["30", "31", "7200", "9" * 400])
def test_a_retry_after_that_does_not_fit_ends_the_call_at_once(run, wanted_s):
    """When the service wants more time than the call has left, the call ends now and says how long to wait."""
    hand = Hand([response(429, retry_after=wanted_s)])

    with pytest.raises(RateLimitedError) as caught:
        run(hand)

    assert (hand.now_s, len(hand.sent)) == (0.0, 1)
    assert caught.value.retry_after_s == float(wanted_s)
    assert caught.value.details["retry_after_s"] == float(wanted_s)


def test_a_long_silence_is_not_imposed_on_all_calls():
    """A refusal of hours belongs to one operation or a day's limit: other calls are held for a minute at most."""
    hand = Hand([response(429, retry_after="7200")])

    with pytest.raises(RateLimitedError):
        carry(hand)

    assert hand.of(PushBack) == [PushBack(PUSH_BACK_LIMIT_S)]


@pytest.mark.parametrize(
    ("when", "date", "wanted_s"),
    [
        ("Wed, 21 Oct 2026 07:28:09 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 9.0),
        ("Wed, 21 Oct 2026 09:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 7200.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:09 GMT", 0.0),
        ("Wed, 21 Oct 2026 07:28:09 GMT", "", None),
        ("Wed, 21 Oct 2026 07:28:09 GMT", "soon", None),
        ("Wed, 21 Oct 2026 07:28:09 -0000", "Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_a_retry_after_may_be_a_date(when, date, wanted_s):
    """A gateway's Retry-After that names an instant counts from the answer's own Date, whatever our clock says."""
    assert retry_after_s(response(429, retry_after=when, date=date)) == wanted_s


def test_a_429_with_retry_after_is_bounded_by_the_deadline_alone():
    """Refusals that name a time are waited out for as long as the call has time, and no longer."""
    hand = Hand([response(429, retry_after="4")])

    with pytest.raises(RateLimitedError):
        carry(hand, timeout_s=30)

    assert 5 <= len(hand.sent) <= 8
    assert hand.now_s < 30


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_unavailable_service_may_name_a_time_too(status):
    """A 5xx with Retry-After is repeated no sooner than that; when it does not fit, the call ends."""
    hand = Hand([response(status, retry_after="5"), OK])
    assert carry(hand) is OK
    assert hand.of(Pause)[0].at_least_s == 5

    late = Hand([response(status, retry_after="60")])
    with pytest.raises(ServerError):
        carry(late)
    assert len(late.sent) == 1


def test_backoff_is_drawn_from_zero_to_a_growing_bound():
    """Pauses after lost answers have full jitter: each begins at zero and its bound doubles."""
    hand = Hand([MAY_HAVE_LEFT])

    with pytest.raises(ReplyLostError):
        carry(hand)

    assert hand.of(Pause) == [Pause(0.0, 0.5), Pause(0.0, 1.0), Pause(0.0, 2.0)]


def test_no_pause_goes_past_the_deadline():
    """A pause ends before the deadline, with time left for an answer."""
    hand = Hand([MAY_HAVE_LEFT])

    with pytest.raises((ReplyLostError, DeadlineError)):
        carry(hand, timeout_s=0.8)

    assert hand.now_s < 0.8


def test_each_repeat_after_trouble_costs_quota():
    """Repeats after 5xx and lost connections are paid for; those after 401 and 429 are not."""
    paid = Hand([response(503), NEVER_LEFT, OK])
    carry(paid)
    assert paid.of(Withdraw) == [Withdraw(RETRY_COST)] * 2

    free = Hand([UNAUTHORIZED, response(429, retry_after="1"), OK])
    carry(free)
    assert free.of(Withdraw) == []


def test_an_empty_quota_ends_a_call_at_its_first_failure():
    """In an outage calls fail at once instead of hammering the service."""
    hand = Hand([response(503)], quota=RETRY_COST - 1)

    with pytest.raises(ServerError):
        carry(hand)

    assert len(hand.sent) == 1
    assert hand.of(Pause) == []


def test_a_refused_certificate_is_not_tried_again():
    """A certificate that does not verify ends the call at once, with nothing sent."""
    hand = Hand([CERTIFICATE])

    with pytest.raises(NotSentError) as caught:
        launch(hand)

    assert len(hand.sent) == 1
    assert "ca_file" in caught.value.hint


def test_a_call_without_a_slot_in_time_sends_nothing():
    """When the pace has no room before the deadline, nothing is sent and the error says so."""
    hand = Hand([OK], slots=[None])

    with pytest.raises(DeadlineError) as caught:
        launch(hand)

    assert hand.sent == []
    assert "nothing was sent" in caught.value.message
    assert caught.value.timeout_s == 30


def test_a_call_waits_for_its_slot():
    """A slot in the future is waited for, to the instant."""
    hand = Hand([OK], slots=[Slot(3.0)])

    carry(hand)

    assert hand.of(Pause) == [Pause(3.0, 3.0)]


def test_a_slot_that_was_slept_through_is_taken_anew():
    """After a machine slept, slots are taken anew: many late ones would leave in a burst."""
    hand = Hand([OK], slots=[Slot(3.0)], wake_late_s=1.5)

    carry(hand)

    assert len(hand.of(Reserve)) == 2


def test_every_attempt_takes_a_slot():
    """Repeats count against the pace like any request."""
    hand = Hand([response(503), response(503), OK])

    carry(hand)

    assert len(hand.of(Reserve)) == len(hand.sent) == 3


def test_nothing_is_sent_after_the_deadline():
    """A call whose time is spent before it is sent, in signing in for instance, sends nothing at all."""
    hand = Hand([OK])

    with pytest.raises(DeadlineError) as caught:
        launch(hand, timeout_s=0)

    assert hand.sent == []
    assert "nothing was sent" in caught.value.message


def test_a_pause_that_ends_at_the_deadline_is_followed_by_no_launch():
    """A launch is not sent with no time left to read its answer: that would put it in doubt for nothing."""
    hand = Hand([NEVER_LEFT, OK], draw=1.0)

    with pytest.raises(DeadlineError):
        launch(hand, timeout_s=0.4)

    assert len(hand.sent) == 1


def test_a_read_that_never_got_through_in_time_is_a_deadline_error():
    """A read whose attempts all failed until its time was spent ends in DeadlineError, naming the last reason."""
    hand = Hand([Lost(request_left=True, kind="timeout", reason="no answer")], send_s=31)

    with pytest.raises(DeadlineError) as caught:
        carry(hand)

    assert caught.value.message == "could not read execution e-1: no answer within 30 s (no answer)"


@pytest.mark.parametrize("reply", [response(500, inin_correlation_id="c-1"), MAY_HAVE_LEFT])
def test_doubt_says_what_is_known(reply):
    """A launch in doubt names flow, key, the instant at which it was sent, and what the answer told."""
    hand = Hand([reply], now_s=50.0, send_s=9.0)

    with pytest.raises(LaunchInDoubtError) as caught:
        launch(hand)

    error = caught.value
    assert (error.flow_id, error.key) == ("flow-1", "row-1")
    assert error.started_at.timestamp() == 1_800_000_050.0
    assert (error.status, error.correlation_id) == ((500, "c-1") if reply is not MAY_HAVE_LEFT else (None, ""))


@pytest.mark.parametrize(
    ("body", "server_code", "correlation_id", "kept"),
    [
        (b'{"code": "service.unavailable", "contextId": "c-9"}', "service.unavailable", "c-9", "service.unavailable"),
        (b"<html><h1>502 Bad Gateway</h1></html>", "", "", "502 Bad Gateway"),
        (b"", "", "", ""),
    ],
)
def test_doubt_keeps_what_the_answer_said(body, server_code, correlation_id, kept):
    """A launch in doubt keeps the answer's code, correlation id and body; HTML and nothing at all survive."""
    with pytest.raises(LaunchInDoubtError) as caught:
        launch(Hand([response(502, body)]))

    error = caught.value
    assert (error.server_code, error.correlation_id) == (server_code, correlation_id)
    assert kept in error.body
    assert "<h1>" not in error.body
    assert f"(HTTP 502 {server_code}".rstrip() in error.message


def test_a_launch_that_timed_out_is_in_doubt_and_not_late():
    """A launch without an answer by its deadline is in doubt, not merely late."""
    hand = Hand([Lost(request_left=True, kind="timeout", reason="no answer")], send_s=31)

    with pytest.raises(LaunchInDoubtError):
        launch(hand)


def test_a_signed_request_carries_what_the_platform_wants():
    """A launch goes out with bearer token, JSON content type and our user agent; a read has no content type."""
    hand = Hand([OK])
    launch(hand)
    assert hand.sent[0].headers == {
        "authorization": "Bearer token-1",
        "user-agent": "flowlaunch",
        "accept": "application/json",
        "content-type": "application/json",
    }

    hand = Hand([OK])
    carry(hand)
    assert "content-type" not in hand.sent[0].headers
    assert [step.deadline_s for step in hand.of(Send)] == [30.0]
