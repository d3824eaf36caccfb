from __future__ import annotations

import datetime as dt
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from flowlaunch.batch.decisions import KINDS_BY_REASON, REASONS, WARNINGS, BadRow, Decision, InputRow, Prepared
from flowlaunch.batch.rules import (
    AttemptLimit,
    CallingWindows,
    DoNotContact,
    Rules,
    RulesConfig,
    Tally,
    WindowRules,
    confirmation,
    plan_rows,
)
from flowlaunch.batch.rules.digests import DigestTable
from flowlaunch.errors import InputError

PAGES = Path(__file__).parents[2] / "docs" / "reference"
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
NOW_US = round(NOW.timestamp() * 1_000_000)


class Past:
    """A history held in memory."""

    def __init__(self, keys=(), attempts=()):
        self.keys = dict(keys)
        self.made = dict(attempts)

    def seen(self, key):
        return self.keys.get(key)

    def attempts(self, contact, since_us):
        return [at for at in self.made.get(contact, ()) if at >= since_us]


def row(number=1, **facts):
    facts.setdefault("key", f"k{number}")
    return Prepared(row_number=number, line=number + 1, input_data={}, **facts)


def decide(prepared, history=None, windows=None, blocked=None, **config):
    return Rules(RulesConfig(**config), windows, blocked).decide(prepared, history, NOW_US)


def office_hours(windows=("09:00-20:00",)):
    return CallingWindows(WindowRules(windows=windows), NOW_US)


def test_without_rules_every_row_is_ready():
    """A row that nothing stands against is launched at once."""
    assert decide(row()) == Decision(kind="launch", reason="ready")


def test_a_key_is_launched_once_in_a_file():
    """The second row of a key is skipped, and names the line of the first; switched off, both are launched."""
    rules = Rules()
    assert rules.decide(row(1, key="a"), None, NOW_US).kind == "launch"
    second = rules.decide(row(2, key="a"), None, NOW_US)
    assert (second.kind, second.reason) == ("skip", "duplicate-in-file")
    assert "line 2" in second.message
    rules = Rules(RulesConfig(dedupe_in_file=False))
    assert [rules.decide(row(n, key="a"), None, NOW_US).kind for n in (1, 2)] == ["launch", "launch"]


def test_a_key_is_launched_once_over_batches():
    """A key that an earlier batch launched is skipped when that is asked for, and names the batch."""
    past = Past(keys={"k1": "batch-7"})
    assert decide(row(), past).kind == "launch"
    decision = decide(row(), past, dedupe_across=True)
    assert decision.reason == "duplicate-in-history"
    assert "batch-7" in decision.message


def test_limit_counts_launches_not_rows():
    """A limit is reached by launched rows; skipped ones do not use it up."""
    rules = Rules(RulesConfig(limit=2))
    reasons = [rules.decide(row(n, key=key), None, NOW_US).reason for n, key in enumerate("aabbcc", 1)]
    assert reasons == [*("ready", "duplicate-in-file", "ready", "duplicate-in-file", "over-limit", "duplicate-in-file")]


def test_offset_passes_over_the_first_rows():
    """An offset passes over that many rows of the source."""
    rules = Rules(RulesConfig(offset=2))
    assert [rules.decide(row(n), None, NOW_US).reason for n in (1, 2, 3)] == ["before-offset", "before-offset", "ready"]


def test_a_sample_is_the_same_for_the_same_seed():
    """A sample takes about its share, the same keys for one seed whatever their order, others for another."""

    def chosen(seed, numbers):
        rules = Rules(RulesConfig(sample=0.1, seed=seed))
        return {n for n in numbers if rules.decide(row(n), None, NOW_US).kind == "launch"}

    numbers = list(range(1, 5_001))
    first = chosen(1, numbers)
    random.Random(4).shuffle(numbers)  # noqa: S311 - an order, not a secret
    assert first == chosen(1, numbers)
    assert first != chosen(2, numbers)
    assert 400 < len(first) < 600


@pytest.mark.parametrize(
    ("not_before", "not_after", "kind", "reason"),
    [
        (None, -1, "skip", "too-late"),
        (None, 0, "skip", "too-late"),
        (None, 1, "launch", "ready"),
        (-5, None, "launch", "ready"),
        (2, None, "launch", "waits-for-not-before"),
        (2, 1, "skip", "too-late"),
    ],
)
def test_not_before_and_not_after_bound_a_row(not_before, not_after, kind, reason):
    """A row waits for its not-before, and is never sent from its not-after on."""
    at = [None if hours is None else NOW_US + hours * HOUR_US for hours in (not_before, not_after)]
    decision = decide(row(not_before_us=at[0], not_after_us=at[1]))
    assert (decision.kind, decision.reason) == (kind, reason)
    if reason == "waits-for-not-before":
        assert decision.not_before_us == at[0]


def test_windows_and_row_times_work_together():
    """A row is sent in the first window after its not-before, or skipped when that lies after its not-after."""
    windows = office_hours()
    contact = {"phones": ("+4930123456",)}
    night_us = NOW_US + 10 * HOUR_US
    waiting = decide(row(not_before_us=night_us, **contact), windows=windows)
    assert waiting.not_before_us == NOW_US + 20 * HOUR_US
    assert waiting.calendars == ("own@Europe/Berlin",)
    missed = decide(row(not_before_us=night_us, not_after_us=night_us + HOUR_US, **contact), windows=windows)
    assert (missed.kind, missed.reason) == ("skip", "misses-window")
    ready = decide(row(**contact), windows=windows)
    assert (ready.reason, ready.not_before_us, ready.closes_us) == ("ready", None, NOW_US + 7 * HOUR_US)


def test_untold_zones_are_held():
    """A row whose zone cannot be told is held with the reason."""
    assert decide(row(), windows=office_hours()).kind == "hold"


def test_a_row_whose_window_has_shut_is_decided_again():
    """A row that comes up after its window waits for the next one, and is given up after its not-after."""
    rules = Rules(windows=office_hours())
    first = rules.decide(row(phones=("+4930123456",)), None, NOW_US)
    again = rules.reopen(first.calendars, first.closes_us)
    assert again.not_before_us == NOW_US + 20 * HOUR_US
    assert rules.reopen(first.calendars, first.closes_us, None, first.closes_us + HOUR_US).reason == "misses-window"
    assert rules.reopen(first.calendars, first.closes_us, None, first.closes_us).reason == "too-late"
    assert Rules().reopen((), NOW_US).reason == "ready"


@pytest.mark.parametrize(
    ("kind", "value", "facts"),
    [
        ("phone", "030 123456", {"phones": ("+49 30 123456",)}),
        ("phone", "+4930123456", {"phones": ("+4940999999", "030/123456")}),
        ("phone", "+4930123456", {"contact": "+4930123456"}),
        ("email", "ANNA@example.org ", {"emails": ("Anna@Example.org",)}),
        ("key", "C-1", {"key": "C-1"}),
        ("cell:customer", "4711", {"cells": {"customer": 4711}}),
    ],
)
def test_do_not_contact_sees_through_spellings(kind, value, facts):
    """A number, address or id on the list stops the row however either side writes it."""
    blocked = DoNotContact("DE")
    assert blocked.add(kind, value)
    decision = decide(row(**facts), blocked=blocked)
    assert (decision.kind, decision.reason) == ("skip", "do-not-contact")


def test_do_not_contact_fails_closed():
    """A row whose number is none, or that has nothing to compare, is held while a list is in force."""
    blocked = DoNotContact("DE")
    blocked.add("phone", "+4930123456")
    assert decide(row(phones=("4.4E+11",)), blocked=blocked).reason == "unknown-number"
    assert decide(row(), blocked=blocked).reason == "no-contact"
    assert decide(row(phones=("+4940999999",)), blocked=blocked).kind == "launch"
    assert decide(row(), blocked=DoNotContact("DE")).kind == "launch"


def test_do_not_contact_files_are_loaded():
    """A file's numbers and addresses count, its first line too when it has no header; the rest is warned about."""
    blocked = DoNotContact("DE")
    rows = [
        InputRow(2, {"+4930111111": "0301234567"}),
        InputRow(3, {"+4930111111": "a@b.c"}),
        BadRow(4, "nul-byte", "x"),
    ]
    assert blocked.load(rows, ("+4930111111",), "dnc.csv") == 3
    assert len(blocked) == 4, "the first line, the number, the same digits as a key, and the address"
    [warning] = blocked.warnings
    assert (warning.reason, warning.count, warning.line) == ("bad-entry", 1, 4)
    named = DoNotContact()
    named.load([InputRow(2, {"id": "C-1", "note": "0301234567"})], ("id", "note"), "f", kinds={"id": "key"})
    assert decide(row(key="C-1"), blocked=named).reason == "do-not-contact"


def test_plain_lists_stop_whatever_they_may_mean():
    """In a list of one column digits are both numbers and keys, and the first line of a list of keys is one too."""
    plain = DoNotContact()
    for name in ("first", "second"):
        plain.load([InputRow(2, {f"C-{name}": "C-2"})], (f"C-{name}",), name)
        assert decide(row(key=f"C-{name}"), blocked=plain).reason == "do-not-contact"
    digits = DoNotContact("DE")
    digits.load([InputRow(2, {"id": "030123456"})], ("id",), "digits")
    assert decide(row(key="030123456", contact="x"), blocked=digits).reason == "do-not-contact"
    assert decide(row(phones=("+4930123456",)), blocked=digits).reason == "do-not-contact"
    assert decide(row(), blocked=digits).reason == "no-contact"


def test_do_not_contact_columns_that_do_not_exist_are_told():
    """A column or a kind of entry that does not exist is an error before any row."""
    named = DoNotContact()
    for kinds in ({"idd": "key"}, {"id": "phones"}):
        with pytest.raises(InputError):
            named.load([], ("id", "note"), "f", kinds=kinds)


def test_attempts_of_a_contact_are_limited_over_batches():
    """A contact's attempts in the period count over all batches; a further row is skipped or waits."""
    past = Past(attempts={"c": [NOW_US - 20 * HOUR_US, NOW_US - 2 * HOUR_US]})
    day = 86_400
    assert decide(row(contact="c"), past, attempts=AttemptLimit(most=3, period_s=day)).kind == "launch"
    spent = decide(row(contact="c"), past, attempts=AttemptLimit(most=2, period_s=day))
    assert (spent.kind, spent.reason) == ("skip", "attempts-spent")
    assert "2 of 2 attempts in a day" in spent.message
    waits = decide(row(contact="c"), past, attempts=AttemptLimit(most=2, period_s=day, when_spent="wait"))
    assert waits.reason == "waits-for-attempts"
    assert waits.not_before_us == NOW_US + 4 * HOUR_US + 1
    assert decide(row(contact="c"), past, attempts=AttemptLimit(most=2, period_s=18_000)).kind == "launch"
    assert decide(row(), past, attempts=AttemptLimit(most=2, period_s=day)).reason == "no-contact"


def test_attempts_of_a_contact_are_limited_within_the_file():
    """Several rows of one contact in one file count as attempts too."""
    rules = Rules(RulesConfig(attempts=AttemptLimit(most=2, period_s=86_400, when_spent="wait")))
    reasons = [rules.decide(row(n, contact="c"), None, NOW_US).reason for n in (1, 2, 3)]
    assert reasons == ["ready", "ready", "attempts-spent"]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 48), max_size=6),
    st.integers(1, 3),
    st.integers(1, 40),
    st.sampled_from([("00:00-24:00",), ("09:00-20:00",), ("22:00-06:00",)]),
)
def test_no_period_ever_holds_more_attempts_than_allowed(ago, most, period_h, windows):
    """Whatever the past, a row that may be launched or waits leaves no period with more attempts than allowed."""
    made = sorted(NOW_US - hours * HOUR_US for hours in ago)
    limit = AttemptLimit(most=most, period_s=period_h * 3_600, when_spent="wait")
    rules = Rules(RulesConfig(attempts=limit), office_hours(windows))
    decision = rules.decide(row(contact="c", phones=("+4930123456",)), Past(attempts={"c": made}), NOW_US)
    if decision.kind == "launch":
        sent_us = decision.not_before_us or NOW_US
        assert sum(at > sent_us - period_h * HOUR_US for at in made) < most
        assert windows != ("09:00-20:00",) or 9 <= (NOW + dt.timedelta(microseconds=sent_us - NOW_US)).hour + 1 < 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"offset": -1},
        {"limit": -1},
        {"sample": 0.0},
        {"sample": 1.5},
        {"attempts": AttemptLimit(most=0, period_s=1)},
        {"attempts": AttemptLimit(most=1, period_s=0)},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong):
    """A negative limit, an empty sample or a period without length is an error, not a rule that does nothing."""
    with pytest.raises(InputError):
        RulesConfig(**wrong)


def test_many_rows_ask_for_confirmation():
    """More launches than allowed without asking give the question to ask; fewer give none."""
    config = RulesConfig(confirm_above=100)
    assert confirmation(config, 100) is None
    assert "101" in confirmation(config, 101).message
    assert confirmation(RulesConfig(), 10**6) is None


def test_planning_numbers_every_record_and_explains_it():
    """Planning yields every record in order, bad ones too, with its number, its decision and its reason."""

    def prepare(read, number):
        if read.cells["id"] == "x":
            return Decision(kind="reject", reason="bad-value")
        return row(number, key=read.cells["id"])

    rows = [
        *(InputRow(2, {"id": "1"}), BadRow(3, "ragged-row", "a,b"), InputRow(4, {"id": "x"}), InputRow(5, {"id": "1"}))
    ]
    plans = list(plan_rows(rows, prepare, Rules(), None, NOW_US))
    assert [(plan.row_number, plan.line, plan.decision.reason) for plan in plans] == [
        (1, 2, "ready"),
        (2, 3, "ragged-row"),
        (3, 4, "bad-value"),
        (4, 5, "duplicate-in-file"),
    ]
    tally = Tally()
    for plan in plans:
        tally.add(plan.line, plan.decision)
    assert tally.by_kind == {"launch": 1, "reject": 2, "skip": 1}
    assert ("skip", "duplicate-in-file", 1, REASONS["duplicate-in-file"]) in tally.lines()


@given(st.lists(st.tuples(st.text(max_size=4), st.integers(1, 1_000)), max_size=300))
def test_digests_keep_what_a_dictionary_keeps(pairs):
    """The table of digests keeps the same numbers as a dictionary would."""
    table, wanted = DigestTable(), {}
    for text, number in pairs:
        table.put(text, number)
        wanted[text] = number
    assert {text: table.get(text) for text in wanted} == wanted
    assert (len(table), table.get("never put")) == (len(wanted), 0)


def test_a_hundred_thousand_digests_are_small():
    """A table of 100,000 texts grows right and stays under 8 MB."""
    import tracemalloc

    tracemalloc.start()
    try:
        table = DigestTable()
        for number in range(1, 100_001):
            table.put(f"key {number}", number)
        size = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(table) == 100_000
    assert all(table.get(f"key {number}") == number for number in range(1, 100_001, 997))
    assert size < 8_000_000


def test_every_reason_is_documented_and_every_documented_reason_exists():
    """The page of rules has a line for every reason, with its kind and its meaning, and for no other."""
    page = (PAGES / "batch-rules.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \| (launch|skip|hold|reject) \| (.+?) \|$", page, re.MULTILINE)
    assert [(slug, kind, text) for slug, kind, text in listed] == [
        (slug, kind, text) for slug, (kind, text) in KINDS_BY_REASON.items()
    ]


def test_every_warning_is_documented_and_every_documented_warning_exists():
    """The page of files has a line for every warning, with its meaning, and for no other."""
    page = (PAGES / "batch-files.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \| (.+?) \|$", page, re.MULTILINE)
    assert dict(listed) == WARNINGS
