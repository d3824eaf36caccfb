"""The adapters under the kit, the command line, and the page of the docs."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from flowlaunch.cli.app import run
from flowlaunch.conformance import CHECKS, TRIALS, VARIABLES, read_card, run_conformance, scorecard_page
from flowlaunch.conformance.task import OUTCOMES
from flowlaunch.conformance.trials import chosen_trials

ROOT = Path(__file__).parents[2]
ADAPTERS = ROOT / "conformance" / "adapters"
RESULTS = sorted((ROOT / "conformance" / "results").glob("*.json"))
DOCS = ROOT / "docs"
FAKE = [sys.executable, str(Path(__file__).with_name("fake_client.py"))]


def test_flowlaunch_has_full_points():
    """Under every fault flowlaunch's client launches at most once, ends in time and says what is true."""
    card = run_conformance([sys.executable, str(ADAPTERS / "flowlaunch_client.py")], deadline_s=7.0)

    assert list(card.lost) == []
    assert card.score == 100
    assert [result.trial for result in card.results] == [trial.name for trial in TRIALS]


def test_the_official_python_sdk_is_scored():
    """The official SDK waits as a 429 says, and starts eleven executions when replies are lost."""
    if find_spec("PureCloudPlatformClientV2") is None:
        pytest.fail("the official SDK is not installed: `make test` installs it (group sdk)", pytrace=False)
    trials = chosen_trials(["reply-lost", "429-with-header"])
    card = run_conformance([sys.executable, str(ADAPTERS / "official_python.py")], trials=trials)

    lost, waited = card.results
    assert card.client.startswith("PureCloudPlatformClientV2 2")
    assert (waited.said, waited.earned) == (("launched",), waited.possible)
    assert lost.executions == 11
    assert {ruling.check for ruling in lost.rulings if ruling.lost} == {"once", "no-repeat", "tells-doubt"}


def test_the_command_shows_points_and_reasons(capsys):
    """`conformance run` prints a line for each fault, the reason for each lost point and the score."""
    code = run(["conformance", "run", "--only", "plain", "--deadline", "8", "--", *FAKE, "lies"])
    shown = capsys.readouterr()

    assert code == 0
    assert "plain  10/16" in shown.out
    assert "says launched, with an id that no execution has" in shown.out
    assert "fake lies: 62.5 %" in shown.out
    assert "plain: 10 of 16 points" in shown.err


def test_a_score_below_the_least_one_fails(capsys):
    """`--min-score` turns a low score into exit code 1, and the JSON card is printed all the same."""
    code = run(
        [
            "conformance",
            "run",
            "--only",
            "plain",
            "--min-score",
            "90",
            "--name",
            "mine",
            "-o",
            "json",
            "--",
            *FAKE,
            "lies",
        ]
    )
    shown = capsys.readouterr()

    assert code == 1
    assert "62.5 % is below the 90 %" in shown.err
    card = json.loads(shown.out)
    assert (card["client"], card["score"], card["settings"]) == ("mine", 62.5, "a | b")
    assert read_card(shown.out.encode(), "x").score == 62.5


def test_a_good_score_passes(capsys):
    """A client that reaches `--min-score` ends the command with 0."""
    assert run(["conformance", "run", "--only", "plain", "--min-score", "100", "-q", "--", *FAKE, "good"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "--only", "nonsense", "--", "true"], 2, "there is no fault 'nonsense'"),
        (["run", "--", "no-such-command-anywhere"], 7, "cannot run no-such-command-anywhere"),
        (["run"], 2, "COMMAND"),
        (["page", str(ROOT / "pyproject.toml")], 7, "is no scorecard"),
    ],
    ids=str,
)
def test_mistakes_are_named(arguments, code, said, capsys):
    """An unknown fault, a missing command and a file that is no card end with a message that names them."""
    assert run(["conformance", *arguments]) == code
    assert said in capsys.readouterr().err


def test_list_tells_every_fault_and_check(capsys):
    """`conformance list` tells each fault with what is wanted, `--checks` each check with its points."""
    run(["conformance", "list", "-o", "json"])
    run(["conformance", "list", "--checks", "-o", "json"])
    decoder = json.JSONDecoder()
    out = capsys.readouterr().out
    faults, end = decoder.raw_decode(out)
    checks, _ = decoder.raw_decode(out[end:].lstrip())

    assert [one["fault"] for one in faults] == [trial.name for trial in TRIALS]
    assert [(one["check"], one["points"]) for one in checks] == [(check.name, check.points) for check in CHECKS]


def test_the_reference_has_the_whole_contract():
    """The reference has a line for each variable, outcome, fault and check, as the program has them."""
    page = (DOCS / "reference" / "conformance.md").read_text("utf-8")
    lines = [
        *(f"| `{name}` | {about} |" for name, about in VARIABLES.items()),
        *(f"| `{name}` | {about} |" for name, about in OUTCOMES.items()),
        *(f"| `{trial.name}` | {trial.happens} | {trial.wanted} |" for trial in TRIALS),
        *(f"| `{check.name}` | {check.points} | {check.claim} | {check.why} |" for check in CHECKS),
    ]

    assert [line for line in lines if line not in page] == []


def test_the_scorecard_page_is_what_the_program_writes():
    """The page of the docs is made of the kept cards of three clients, all of them tried under every fault."""
    cards = [read_card(path.read_bytes(), path.name) for path in RESULTS]

    assert (DOCS / "explanation" / "conformance-scorecard.md").read_text("utf-8") == scorecard_page(cards)
    assert len(cards) == 3
    assert {tuple(result.trial for result in card.results) for card in cards} == {tuple(one.name for one in TRIALS)}


def test_a_clients_own_words_cannot_break_the_page():
    """Bars, tags, line breaks and escape sequences in what a client says stay in its cell."""
    card = run_conformance([*FAKE, "idle"], trials=chosen_trials(["plain"]), client="a|b\n\x1b<script>")
    page = scorecard_page([card])

    assert "| fault | a\\|b &lt;script> |" in page
    assert "<script>" not in page
