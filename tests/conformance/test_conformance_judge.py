"""The judge: each check can be failed, by an observation made for it and by a client that is bad on purpose."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flowlaunch.conformance import CHECKS, TRIALS, Statement, Task, run_conformance, tryout
from flowlaunch.conformance.checks import judge
from flowlaunch.conformance.observation import Observation, Seen
from flowlaunch.conformance.trials import LAUNCH, TOKEN, chosen_trials

FAKE = Path(__file__).with_name("fake_client.py")
DEADLINE_S = 8.0
BY_NAME = {trial.name: trial for trial in TRIALS}
TASK = Task("http://127.0.0.1:1", "demo", "s", "flow", {}, 2.0)
TOKEN_SEEN = Seen(TOKEN, 200, "", 0.0)
OK = Seen(LAUNCH, 200, "", 0.1)
LOST = Seen(LAUNCH, None, "DropAfterProcessing", 0.1)
REFUSED = Seen(LAUNCH, 429, "Status", 0.1)
GOOD = Observation(
    TASK, (Statement("launched", "e1", final_status="COMPLETED"),), exit_code=0, took_s=0.2,
    requests=(TOKEN_SEEN, OK), executions={"e1": "COMPLETED"},
)  # fmt: skip
DOUBT = replace(GOOD, statements=(Statement("in-doubt", error="Lost"),), requests=(TOKEN_SEEN, LOST))


def lost(trial: str, seen: Observation) -> dict[str, str]:
    """Give check -> reason of each check that is lost."""
    return {ruling.check: ruling.lost for ruling in judge(BY_NAME[trial], seen) if ruling.lost}


@pytest.mark.parametrize(
    ("trial", "seen", "check", "reason"),
    [
        ("reply-lost", replace(DOUBT, executions={"e1": "COMPLETED", "e2": "RUNNING"}), "once", "2 executions"),
        ("reply-lost", replace(DOUBT, requests=(TOKEN_SEEN, LOST, LOST, LOST)), "no-repeat", "again 2 times"),
        ("hang", replace(DOUBT, exit_code=None), "in-time", "killed"),
        ("hang", replace(DOUBT, took_s=3.1), "in-time", "took 3.1 s of the 2 s"),
        ("plain", replace(GOOD, exit_code=3), "reported", "exit code 3"),
        ("plain", replace(GOOD, mistakes=("odd",)), "reported", "odd"),
        ("reply-lost", replace(DOUBT, statements=(Statement("not-launched", error="X"),)), "honest", "an execution"),
        ("plain", replace(GOOD, statements=(Statement("launched", "e9"),)), "honest", "no execution has"),
        ("token-expired", replace(GOOD, statements=GOOD.statements * 2), "honest", "one id to two"),
        ("plain", replace(GOOD, statements=(Statement("in-doubt", error="X"),)), "launched", "0 of 1 launch"),
        ("html-502", replace(DOUBT, statements=(Statement("failed", error="X"),)), "tells-doubt", "failed (X)"),
        ("reply-lost", replace(DOUBT, statements=(Statement("in-doubt"),)), "named", "names no error"),
        (
            "late-504",
            replace(DOUBT, requests=(TOKEN_SEEN, replace(LOST, status=504))),
            "named",
            "does not tell that the answer was 504",
        ),
        ("429-with-header", replace(GOOD, requests=(REFUSED, replace(OK, at_s=0.4))), "waited", "after 0.30 s"),
        (
            "404-after-launch",
            replace(GOOD, statements=(Statement("launched", "e1", final_status="FAILED"),)),
            "followed",
            "ended FAILED; it is COMPLETED",
        ),
    ],
)
def test_each_check_is_lost_for_its_reason(trial, seen, check, reason):
    """What breaks a check loses its points, and the reason says what was seen."""
    assert reason in lost(trial, seen)[check]


def test_every_check_is_broken_above():
    """The table of broken checks leaves none out."""
    marks = test_each_check_is_lost_for_its_reason.pytestmark
    assert {case[2] for mark in marks for case in mark.args[1]} == {check.name for check in CHECKS}


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_a_client_that_behaves_loses_nothing(trial):
    """What a well-behaved client shows under a fault earns every point of it."""
    base = DOUBT if trial.leaves_doubt else GOOD
    statement = replace(base.statements[0], status=trial.status if trial.leaves_doubt else None)
    ids = [f"e{number}" for number in range(1, trial.launches + 1)]
    said = tuple(replace(statement, execution_id="" if trial.leaves_doubt else each) for each in ids)
    seen = replace(base, statements=said, executions=dict.fromkeys(ids, "COMPLETED"))
    assert lost(trial.name, seen) == {}


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_a_client_that_shows_nothing_earns_nothing(trial):
    """A client that never reaches the service has no points, however harmless that is."""
    idle = Observation(TASK, exit_code=0)
    assert set(lost(trial.name, idle)) == {ruling.check for ruling in judge(trial, idle)}


def test_a_found_execution_ends_the_doubt():
    """A client that finds the execution of a lost reply and tells its id loses nothing."""
    assert lost("reply-lost", replace(DOUBT, statements=GOOD.statements)) == {}


def played(vice: str, fault: str) -> tuple[set[str], int]:
    """Run the fake client with a vice under a fault; gives the checks it loses and the executions it started."""
    deadline_s = DEADLINE_S * 3 if fault == "refused-then-up" else DEADLINE_S  # a refusal takes a second
    card = run_conformance([sys.executable, str(FAKE), vice], trials=chosen_trials([fault]), deadline_s=deadline_s)
    assert card.client in {f"fake {vice}", FAKE.name}
    return {ruling.check for _, ruling in card.lost}, card.results[0].executions


@pytest.mark.parametrize(
    "fault",
    [
        "plain", "reply-lost", "late-504", "html-502", "truncated-body", "slow-body", "429-with-header",
        "429-without-header", "token-revoked", "404-after-launch", "refused-then-up",
    ],
)  # fmt: skip
def test_a_good_client_of_the_standard_library_has_full_points(fault):
    """The contract can be kept with nothing but a language's own library."""
    assert played("good", fault)[0] == set()


@pytest.mark.parametrize(
    ("vice", "fault", "loses", "executions"),
    [
        ("resends", "reply-lost", {"once", "no-repeat"}, 3),
        ("resends", "html-502", {"no-repeat"}, 0),
        ("crashes", "late-504", {"reported", "honest", "tells-doubt", "named"}, 1),
        ("crashes", "plain", set(), 1),
        ("lies", "plain", {"honest", "launched"}, 1),
        ("denies", "truncated-body", {"honest", "tells-doubt"}, 1),
        ("denies", "html-502", {"tells-doubt"}, 0),
        ("vague", "late-504", {"tells-doubt", "named"}, 1),
        ("hasty", "429-with-header", {"waited"}, 1),
        ("gives-up", "429-without-header", {"launched"}, 0),
        ("gives-up", "token-revoked", {"launched"}, 0),
        ("short-sighted", "404-after-launch", {"followed"}, 1),
        ("silent", "plain", {"reported", "honest", "launched", "named"}, 1),
        ("slurs", "plain", {"reported", "honest", "launched", "named"}, 1),
        ("idle", "plain", {"once", "in-time", "reported", "honest", "launched", "named"}, 0),
    ],
)
def test_a_bad_client_loses_what_it_deserves(vice, fault, loses, executions):
    """A client with one vice loses the points of just the checks that the vice breaks."""
    assert played(vice, fault) == (loses, executions)


def test_a_client_that_gives_up_on_a_refused_connection_loses_the_launch():
    """While connections are refused nothing can happen twice, so giving up at once costs the launch."""
    trials = chosen_trials(["refused-then-up"])
    card = run_conformance([sys.executable, str(FAKE), "gives-up"], trials=trials, deadline_s=15.0)

    assert {ruling.check for _, ruling in card.lost} == {"launched"}
    assert card.results[0].said == ("not-launched",)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells that a connection was tried")
def test_a_slow_client_meets_the_refusal_too():
    """A client that connects long after its sign-in is refused all the same, however short the outage is."""
    observed = tryout.play(BY_NAME["refused-then-up"], [sys.executable, str(FAKE), "dawdles"], 15.0)

    assert observed.is_met
    signed_in, launched = (next(one for one in observed.requests if one.operation == each) for each in (TOKEN, LAUNCH))
    assert launched.at_s - signed_in.at_s > 0.4 + 1.0
    assert [one.outcome for one in observed.statements] == ["launched"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells that a connection was tried")
def test_a_fault_that_was_not_met_earns_nothing():
    """A client that tries no connection after its sign-in has not met the refusal and has no points for it."""
    trials = chosen_trials(["refused-then-up"])
    card = run_conformance([sys.executable, str(FAKE), "shy"], trials=trials, deadline_s=DEADLINE_S)

    assert card.results[0].earned == 0
    assert all(ruling.lost.startswith("not met: no connection was tried after the sign-in") for _, ruling in card.lost)


@pytest.mark.parametrize("vice", ["hangs", "lingers"])
def test_a_client_that_does_not_end_is_killed(vice, monkeypatch):
    """A client that waits for ever, or does not leave after its last word, is ended by the kit and loses its time."""
    monkeypatch.setattr(tryout, "OVERDUE_S", 0.5)
    loses, executions = played(vice, "hang" if vice == "hangs" else "plain")
    assert "in-time" in loses
    assert executions == 1


def test_a_client_does_not_see_the_settings_of_an_org():
    """Credentials, regions and proxies of this machine's user are not handed to the command."""
    outer = {
        "PATH": "/bin",
        "GENESYSCLOUD_OAUTHCLIENT_SECRET": "real",
        "https_proxy": "http://p",
        "FLOWLAUNCH_PROXY": "x",
    }
    given = tryout.environment(outer, TASK)
    assert given["PATH"] == "/bin"
    assert "real" not in given.values()
    assert not {"https_proxy", "FLOWLAUNCH_PROXY"} & set(given)
    assert given["CONFORMANCE_DEADLINE_S"] == "2"
