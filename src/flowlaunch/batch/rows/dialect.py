"""Which character separates the cells of a text file, and which one quotes them."""

from __future__ import annotations

import csv
import itertools
import re
from typing import Any, Final, NamedTuple

SEPARATORS: Final = (",", ";", "\t", "|")
_RECORDS: Final = 200
_HINT: Final = "sep="
_SINGLE_OPENED: Final = re.compile(r"(?:^|[,;\t|])'")
_SINGLE_QUOTED: Final = re.compile(r"(?:^|[,;\t|])'(?:[^']|'')*'(?=[,;\t|]|$)")


class Dialect(NamedTuple):
    """How cells are told apart; `has_hint` says that the first line is a spreadsheet's `sep=` hint, not a header."""

    separator: str
    quote: str
    has_hint: bool = False


def detect_dialect(sample: str, separator: str | None, quote: str | None, suffix: str = "") -> Dialect:
    """Return the dialect of a file that begins with `sample`; what is given is taken as it is.

    The separator is the one that cuts the first records into the same number of cells, the most cells winning.
    """
    first, _newline, rest = sample.partition("\n")
    hint = first.strip().strip('"').lower()
    has_hint = hint.startswith(_HINT) and len(hint) == len(_HINT) + 1
    text = rest if has_hint else sample
    mark = _quote(text) if quote is None else quote
    if separator is None and has_hint:
        separator = hint[-1]
    if separator is None:
        scores = {one: _score(text, one, mark) for one in SEPARATORS}
        prior = "\t" if suffix == ".tsv" else ","
        separator = max(SEPARATORS, key=lambda one: (scores[one], one == prior))
    return Dialect(separator, mark, has_hint)


def _quote(text: str) -> str:
    if '"' in text:
        return '"'
    lines = text.splitlines()[:_RECORDS]
    opened = sum(len(_SINGLE_OPENED.findall(line)) for line in lines)
    whole = sum(len(_SINGLE_QUOTED.findall(line)) for line in lines)
    return "'" if opened == whole > 2 else '"'


def _score(text: str, separator: str, quote: str) -> float:
    """Return how evenly `separator` cuts the sample: the share of records with the header's width, then the width."""
    lines = text.splitlines(keepends=True)[:-1] or [text]
    reader = csv.reader(lines, delimiter=separator, **quoting(quote))
    try:
        widths = [len(cells) for cells in itertools.islice(reader, _RECORDS) if cells]
    except csv.Error:
        return 0.0
    if not widths or widths[0] < 2:
        return 0.0
    alike = sum(width == widths[0] for width in widths) / len(widths)
    return alike + min(widths[0], 1_000) / 10_000


def quoting(quote: str, escape: str | None = None) -> dict[str, Any]:
    """Return the arguments of `csv.reader` for `quote` (empty: cells are never quoted) and `escape`."""
    if not quote:
        return {"quoting": csv.QUOTE_NONE, "quotechar": None, "escapechar": escape}
    return {"quotechar": quote, "doublequote": True, "escapechar": escape}
