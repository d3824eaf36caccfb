"""Official example calls with their results; rows in prose are read as far as prose can be read."""

import re
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from flowlaunch.architect.expressions import evaluate_text
from flowlaunch.architect.standalone import StillHost
from flowlaunch.architect.types import Type
from flowlaunch.architect.values import NOT_SET, Currency, Duration, Opaque
from flowlaunch.errors import FlowNameError, FlowRuntimeError, FlowTypeError

ORACLE = Path(__file__).resolve().parents[3] / "shared" / "oracles" / "function_examples.tsv"
HOST = StillHost(datetime(2026, 1, 1, tzinfo=UTC))
ERROR = "error"

EXCEPTIONS = {
    'DetectLanguage(Email.Message.body, "")': "needs an e-mail",
    "ToAudioDuration(ToDuration(NOT_SET))": "its sister functions give blank audio; the text of audio is all we keep",
    "Find(MakeList(MakeDateTime(2009, 1, 10, 6, 30, 0), MakeDateTime(2009, 1, 10, 6, 30, 0), ToDateTime(NOT_SET)),"
    " MakeDateTime(2009, 1, 10, 6, 30, 0))": "the example overlooks that two of its items are equal",
    "GetDayOfWeekOccurrence(6, -2, 2017, 2, 5, 0)": "the example's 05:00:00 contradicts its parameters (2, 5, 0)",
}

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eleven": 11}
CURRENCY_RE = re.compile(
    r"A Currency (?:value )?with an? (?:a )?"
    r'(?:amount of (-?[\d.]+)|NOT_SET amount) and (?:code of "(\w+)"|.*NOT_SET.*?)\.?'
    r"(?: \(.*\)\.)?"
)
MOMENT_RE = re.compile(
    r"(?:A|The) DateTime (?:of|whose value is) (\w+) (\d+)(?:st|nd|rd|th)?, (\d+) at (\d+):(\d+):(\d+) ?([AP]M).*"
)
LENGTH_RE = re.compile(r"(?:A|a) (negative )?[Dd]uration of (-?.*?)\.?", re.DOTALL)
UNIT_MS = {"day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1000}


def read_expected(text):
    """Give the value that an example's result stands for, or None when it is prose."""
    for pattern, read in READERS:
        found = pattern.fullmatch(text)
        if found:
            return read(*found.groups())
    return None


def read_text(text):
    return text.replace("\\\\n", "\n").replace("\\n", "\n")


def read_currency(amount, code):
    return Currency(NOT_SET if amount is None else Decimal(amount), code or NOT_SET)


def read_moment(month, day, year, hour, minute, second, half):
    if month not in MONTHS:
        return None
    clock = int(hour) % 12 + (12 if half == "PM" else 0)
    return datetime(int(year), MONTHS.index(month) + 1, int(day), clock, int(minute), int(second), tzinfo=UTC)


def read_length(negative, text):
    total = Decimal(0)
    parts = [part for part in re.split(r",\s*|\s+and\s+", text) if part]
    for part in parts:
        found = re.fullmatch(r"(-?[\d.]+|\w+) (day|hour|minute|second)s?", part.strip())
        if not found:
            return None
        count = WORDS.get(found[1]) or Decimal(found[1])
        total += count * UNIT_MS[found[2]]
    return Duration(int(-total if negative else total))


def read_indexes(text):
    return tuple(map(int, re.findall(r"\d+", text)))


READERS = [
    (re.compile(r"(true|false)"), lambda word: word == "true"),
    (re.compile(r"(-?\d+)(?: +\(.*)?"), int),
    (re.compile(r"(-?\d+\.\d+)"), Decimal),
    (re.compile(r'"([^"]*)"(?: *\(.*| - .*)?'), read_text),
    (re.compile(r".*\berror at runtime\b.*"), lambda: ERROR),
    (re.compile(r"(?:An? )?NOT_SET(?: [\w ]+)?\.?(?: value because.*)?"), lambda: NOT_SET),
    (re.compile(r"A NOT_SET DateTime value because.*"), lambda: NOT_SET),
    (re.compile(r"Blank [Aa]udio\b.*"), lambda: Opaque("aud", "")),
    (re.compile(r"An empty \w+ collection\."), lambda: ()),
    (re.compile(r"An Integer collection with \d elements? whose values? (?:is|are) (.*)\."), read_indexes),
    (re.compile(r"A (\d+) minute Duration\."), lambda minutes: Duration(int(minutes) * 60_000)),
    (CURRENCY_RE, read_currency),
    (MOMENT_RE, read_moment),
    (LENGTH_RE, read_length),
]


def result_of(text):
    types = {"Call.Ani": Type("str")} if "Call.Ani" in text else {}
    try:
        return evaluate_text(text, types=types, host=HOST).value
    except FlowRuntimeError:
        return ERROR


def read_rows():
    if not ORACLE.is_file():
        pytest.skip("../shared is not beside this checkout")
    lines = ORACLE.read_text(encoding="utf-8").split("\n")[1:]
    return [line.split("\t") for line in lines if line]


def test_comparable_examples_give_their_official_result():
    """Each official example whose result can be compared gives it, but for a short list with reasons."""
    counts = Counter()
    wrong = []
    for _, _, text, expected_text in read_rows():
        expected = read_expected(expected_text.strip())
        if text in EXCEPTIONS or expected is None:
            counts["exception" if text in EXCEPTIONS else "prose"] += 1
            continue
        found = result_of(text)
        counts["compared"] += 1
        if type(found) is not type(expected) or found != expected:
            wrong.append((text, found, expected_text))
    print(dict(counts))  # noqa: T201  # the counts belong in the log
    assert wrong == []
    assert counts["compared"] >= 540


def test_every_official_example_is_understood():
    """Every official example compiles and runs, unless it names a variable that its example flow declared."""
    refused = []
    for _, _, text, _ in read_rows():
        try:
            result_of(text)
        except (FlowNameError, FlowTypeError) as error:
            refused.append((text, error.message))
    assert [text for text, _ in refused if not re.search(r"\bFlow\.\w+", text)] == []
    assert len(refused) <= 6
