"""What the parts of a batch tell each other about one row: as read, as prepared, as decided.

A bad row is a value, never an exception. Instants are integer microseconds since 1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - msgspec reads the annotations at run time
from typing import Any, Final, Literal, Protocol

import msgspec

__all__ = [
    "KINDS_BY_REASON",
    "REASONS",
    "WARNINGS",
    "BadRow",
    "CellProblem",
    "Decision",
    "DecisionKind",
    "EmptyHistory",
    "History",
    "InputRow",
    "Prepared",
    "RowPlan",
    "RowWarning",
]

DecisionKind = Literal["launch", "skip", "hold", "reject"]


class InputRow(msgspec.Struct, frozen=True, gc=False):
    """One record as read: `line` is the 1-based line where it ends (the record's number in formats without lines).

    `cells` has text by column name; NDJSON, JSON and Parquet give their own types.
    """

    line: int
    cells: dict[str, Any]


class BadRow(msgspec.Struct, frozen=True, gc=False):
    """One record that cannot be read: `reason` is a slug of `REASONS`, `raw` the start of its text."""

    line: int
    reason: str
    raw: str
    message: str = ""


class RowWarning(msgspec.Struct, frozen=True, gc=False):
    """Something suspicious that changes no row: `column` of `line` holds `value`; `reason` is a slug.

    `count` says in how many rows of the column it was found; `lines` names the first of them.
    """

    reason: str
    column: str
    message: str
    line: int = 0
    value: str = ""
    count: int = 1
    lines: tuple[int, ...] = ()


class CellProblem(msgspec.Struct, frozen=True, gc=False):
    """One thing wrong with one cell, with its cure; `column` is empty when no column feeds the input."""

    reason: str
    line: int
    column: str
    input_name: str
    value: str
    message: str
    cure: str = ""

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{place}: {self.message}" + (f"; {self.cure}" if self.cure else "")


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """One row ready to launch, if the rules let it.

    Attributes:
        row_number: 1-based place among the records of the source, bad ones included; with the batch's id it
            makes the launch token, so it must not change on resume.
        key: the caller's row key, or `row-N@BATCH` when no column was named.
        contact: who is reached, normalised (E.164, lower-case address or an id); attempts are counted by it.
        phones: the numbers of the row as given, each of which must be callable; `emails` its addresses.
        zone: the contact's time zone as given in the row; `region` names its regional rules likewise.
        cells: the row as read, for exports.
        token: what `{token}` stands for: the same for the same batch and row, whenever it is prepared.

    """

    row_number: int
    line: int
    key: str
    input_data: dict[str, Any]
    name: str | None = None
    contact: str | None = None
    not_before_us: int | None = None
    not_after_us: int | None = None
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    zone: str | None = None
    region: str | None = None
    token: str = ""
    cells: Mapping[str, Any] = {}


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a row, and why.

    Attributes:
        kind: launch (now or from `not_before_us` on), skip (final), hold (a person must look) or reject (bad row).
        reason: a slug of `REASONS`: stable, for counting and scripts.
        message: the reason for people, with the row's own values.
        not_before_us: earliest instant at which the row may be sent; None is at once.
        not_after_us: instant after which the row must not be sent any more.
        closes_us: end of the calling window that `not_before_us` (or now) lies in. A row that comes up later is
            decided again with `Rules.reopen(calendars, ...)`, never sent.
        calendars: the contact's windows as `rules@zone`, one per number; all must be open.
        problems: everything wrong with a rejected row, at once.

    """

    kind: DecisionKind
    reason: str
    message: str = ""
    not_before_us: int | None = None
    not_after_us: int | None = None
    closes_us: int | None = None
    calendars: tuple[str, ...] = ()
    problems: tuple[CellProblem, ...] = ()


class RowPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the source with its decision: what planning yields and the ledger stores.

    `prepared` is None for rows that could not be prepared; `raw` is the text of a row that could not be read.
    """

    row_number: int
    line: int
    decision: Decision
    prepared: Prepared | None = None
    cells: Mapping[str, Any] = {}
    raw: str = ""


class History(Protocol):
    """What earlier batches did; the ledger implements it."""

    def seen(self, key: str) -> str | None:
        """Return the id of the batch that launched `key` or may have, or None."""
        ...

    def attempts(self, contact: str, since_us: int) -> Sequence[int]:
        """Return when `contact` was launched, or may have been, at or after `since_us`: instants, oldest first."""
        ...


class EmptyHistory:
    """A history in which nothing ever happened."""

    def seen(self, key: str) -> str | None:  # noqa: ARG002 - the protocol's signature
        """Return None: no batch launched `key`."""
        return None

    def attempts(self, contact: str, since_us: int) -> Sequence[int]:  # noqa: ARG002 - the protocol's signature
        """Return no instant."""
        return ()


KINDS_BY_REASON: Final[Mapping[str, tuple[DecisionKind, str]]] = {
    "ready": ("launch", "nothing stands against it: sent as soon as the pace allows"),
    "waits-for-window": ("launch", "the contact's calling window is shut: sent when all of its numbers are open"),
    "waits-for-not-before": ("launch", "the row's not-before lies ahead: sent from then on"),
    "waits-for-attempts": ("launch", "the contact's attempts are spent: sent when the period allows another"),
    "duplicate-in-file": ("skip", "an earlier row of this file has the same key"),
    "duplicate-in-history": ("skip", "an earlier batch launched the same key, or may have"),
    "do-not-contact": ("skip", "a do-not-contact file names one of the row's numbers, addresses or keys"),
    "attempts-spent": ("skip", "the contact was launched as often as the period allows"),
    "over-limit": ("skip", "the limit of rows was reached before this row"),
    "not-sampled": ("skip", "the sample does not hold this row"),
    "before-offset": ("skip", "the row lies before the offset"),
    "too-late": ("skip", "the row's not-after has passed"),
    "misses-window": ("skip", "no calling window opens before the row's not-after"),
    "unknown-zone": ("hold", "the contact's time zone cannot be told"),
    "ambiguous-zone": ("hold", "the contact's number lies in zones with different clocks"),
    "unknown-number": ("hold", "a number of the row is no telephone number"),
    "unknown-region": ("hold", "the row names a region for which no rules are loaded"),
    "no-opening": ("hold", "the rules open no calling window for this contact within a year"),
    "no-contact": ("hold", "the row has no contact, so its attempts or do-not-contact state cannot be told"),
    "ragged-row": ("reject", "the record has more or fewer cells than the header"),
    "unclosed-quote": ("reject", "a quoted cell is not closed before the end of the file"),
    "bad-quote": ("reject", "text follows a closing quote inside a cell"),
    "line-too-long": ("reject", "the record is longer than the limit"),
    "nul-byte": ("reject", "the record holds a NUL byte"),
    "bad-encoding": ("reject", "the record is not text in the file's encoding"),
    "not-json": ("reject", "the record is not valid JSON"),
    "not-an-object": ("reject", "the record is JSON, but no object of names and values"),
    "bad-value": ("reject", "a cell cannot be converted to the type of its input"),
    "missing-value": ("reject", "a required input has an empty cell"),
    "missing-key": ("reject", "the row's key column is empty"),
    "bad-time": ("reject", "a not-before or not-after cell is no instant"),
    "bad-path": ("reject", "a JMESPath expression cannot be evaluated on this row"),
    "too-large": ("reject", "the request of the row would be larger than the platform takes"),
}
"""Reason slug -> what kind of decision carries it, and what it means."""

REASONS: Final[Mapping[str, str]] = {reason: text for reason, (_kind, text) in KINDS_BY_REASON.items()}
"""Reason slug -> what it means."""

WARNINGS: Final[Mapping[str, str]] = {
    "encoding-guessed": "the file is not UTF-8 and names no encoding: one was guessed",
    "header-looks-like-row": "a name in the header looks like a value: the file may have no header",
    "several-sheets": "the workbook has several sheets and the first one is read",
    "digits-lost": "a number has more digits than a spreadsheet keeps",
    "lost-zero": "a number has no leading zero while its siblings have, or is shorter than they are",
    "lost-plus": "a number has no leading + while its siblings have",
    "exponent": "a number is written like 4.4E+11: its last digits are gone",
    "trailing-dot-zero": "an id or number ends in .0",
    "date-for-id": "a date stands among values that are none",
    "cell-error": "a formula failed, e.g. #N/A",
    "hashes": "a column was too narrow when it was copied: #####",
    "near-name": "an input is not fed, and a column has nearly its name",
    "unused-column": "no input, rule or template uses the column",
    "shadowed-name": "a column has the name of a placeholder, which means something else",
    "bad-entry": "an entry of a do-not-contact file cannot be matched to anything",
}
"""Warning slug -> what it means; a warning changes no row."""
