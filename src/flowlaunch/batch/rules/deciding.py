"""What becomes of each row: every rule in a fixed order, the first that stands against it gives the reason."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from flowlaunch.batch.decisions import KINDS_BY_REASON, Decision, EmptyHistory, History, Prepared
from flowlaunch.batch.rules.digests import DigestTable
from flowlaunch.batch.rules.openings import MICROS
from flowlaunch.batch.rules.windows import CallingWindows, Held, shown_instant
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.batch.decisions import RowWarning
    from flowlaunch.batch.rules.do_not_contact import DoNotContact

_WHOLE: Final = 1 << 64


class AttemptLimit(msgspec.Struct, frozen=True, kw_only=True):
    """At most `most` launches of a contact in any `period_s` seconds, over all batches of the history.

    `when_spent` says whether a further row is skipped or waits until the period allows it.
    """

    most: int
    period_s: float
    when_spent: Literal["skip", "wait"] = "skip"


class RulesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which rules hold; each is off unless it is named here.

    Attributes:
        dedupe_in_file: launch a key once in this source; dedupe_across: once over the batches of the history.
        offset: pass over the first rows; limit: launch at most this many; sample: launch this share (0 to 1) of the
            keys, the same ones for the same `seed`.
        attempts: how often a contact may be launched.
        confirm_above: rows beyond which a person is asked first.

    """

    dedupe_in_file: bool = True
    dedupe_across: bool = False
    offset: int = 0
    limit: int | None = None
    sample: float | None = None
    seed: int = 0
    attempts: AttemptLimit | None = None
    confirm_above: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no rule can mean."""
        problems = (
            (self.offset < 0, f"offset {self.offset} is below 0"),
            (self.limit is not None and self.limit < 0, f"limit {self.limit} is below 0"),
            (self.sample is not None and not 0 < self.sample <= 1, f"sample {self.sample} is not between 0 and 1"),
            (self.attempts is not None and self.attempts.most < 1, "attempts: at least one must be allowed"),
            (self.attempts is not None and self.attempts.period_s <= 0, "attempts: the period must have a length"),
        )
        for is_wrong, message in problems:
            if is_wrong:
                raise InputError(f"rules: {message}", code="rules-config", hint="Mend this setting and plan again.")


class Confirmation(msgspec.Struct, frozen=True):
    """What a person is asked before a run: it would launch `rows`, more than `above`."""

    rows: int
    above: int

    @property
    def message(self) -> str:
        """The question."""
        return f"{self.rows:,} flows would be launched, more than {self.above:,}: go on?"


def confirmation(config: RulesConfig, rows: int) -> Confirmation | None:
    """Return what must be confirmed before `rows` are launched, or None."""
    above = config.confirm_above
    return Confirmation(rows, above) if above is not None and rows > above else None


@dataclass(slots=True)
class _Case:
    """One row on its way through the rules; `earliest_us` moves forward as rules make it wait."""

    prepared: Prepared
    history: History
    now_us: int
    earliest_us: int
    reason: str = "ready"
    message: str = ""
    calendars: tuple[str, ...] = ()


@dataclass
class Rules:
    """The rules of one batch. They remember the rows of this source, so each row is decided once, in order.

    `decide` is for planning; `reopen` decides a row again whose window has shut while it waited.
    """

    config: RulesConfig = field(default_factory=RulesConfig)
    windows: CallingWindows | None = None
    do_not_contact: DoNotContact | None = None

    def __post_init__(self) -> None:
        self._launches = 0
        self._lines = DigestTable()
        self._attempts = DigestTable()
        self._order: tuple[Callable[[_Case], Decision | None], ...] = (
            self._in_offset,
            self._in_sample,
            self._in_time,
            self._first_in_file,
            self._first_in_history,
            self._may_contact,
            self._has_attempts,
            self._has_window,
        )

    @property
    def warnings(self) -> tuple[RowWarning, ...]:
        """What is suspicious in the rules' own files, such as entries that nothing can be compared with."""
        return tuple(self.do_not_contact.warnings) if self.do_not_contact is not None else ()

    def decide(self, prepared: Prepared, history: History | None, now_us: int) -> Decision:
        """Return what becomes of a row, given what earlier batches did and the time."""
        earliest_us = max(now_us, prepared.not_before_us or now_us)
        case = _Case(prepared, history or EmptyHistory(), now_us, earliest_us)
        if earliest_us > now_us:
            case.reason = "waits-for-not-before"
            case.message = f"not before {shown_instant(earliest_us)}"
        for rule in self._order:
            decision = rule(case)
            if decision is not None:
                return decision
        decision = self._launched(case)
        return decision if decision.kind != "launch" else self._counted(case, decision)

    def reopen(
        self, calendars: tuple[str, ...], now_us: int, not_before_us: int | None = None, not_after_us: int | None = None
    ) -> Decision:
        """Return when a waiting row with `calendars` may be sent now that its window has shut."""
        if not_after_us is not None and now_us >= not_after_us:
            return _skip("too-late", f"the row's not-after was {shown_instant(not_after_us)}")
        from_us = max(now_us, not_before_us or now_us)
        if not calendars or self.windows is None:
            before = from_us if from_us > now_us else None
            reason = "ready" if before is None else "waits-for-not-before"
            return Decision(kind="launch", reason=reason, not_before_us=before, not_after_us=not_after_us)
        try:
            calendars = self.windows.calendars_now(calendars)
        except Held as held:
            return Decision(kind="hold", reason=held.reason, message=held.message)
        return self.windows.decide(calendars, from_us, now_us, not_after_us, "ready")

    def _in_offset(self, case: _Case) -> Decision | None:
        if case.prepared.row_number > self.config.offset:
            return None
        return _skip("before-offset", f"row {case.prepared.row_number} lies before offset {self.config.offset}")

    def _in_sample(self, case: _Case) -> Decision | None:
        share = self.config.sample
        if share is None:
            return None
        text = f"{self.config.seed}\0{case.prepared.key}".encode("utf-8", "surrogatepass")
        draw = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") / _WHOLE
        return None if draw < share else _skip("not-sampled", f"not in the sample of {share:.4g}")

    def _in_time(self, case: _Case) -> Decision | None:
        not_after_us = case.prepared.not_after_us
        if not_after_us is None or case.earliest_us < not_after_us:
            return None
        return _skip("too-late", f"the row's not-after is {shown_instant(not_after_us)}")

    def _first_in_file(self, case: _Case) -> Decision | None:
        if not self.config.dedupe_in_file:
            return None
        key, line = case.prepared.key, self._lines.get(case.prepared.key)
        if line:
            return _skip("duplicate-in-file", f"the key {key!r} was on line {line} already")
        self._lines.put(key, min(max(case.prepared.line, 1), (1 << 32) - 1))
        return None

    def _first_in_history(self, case: _Case) -> Decision | None:
        if not self.config.dedupe_across:
            return None
        batch_id = case.history.seen(case.prepared.key)
        if batch_id is None:
            return None
        return _skip(
            "duplicate-in-history", f"the key {case.prepared.key!r} was launched, or may have been, by {batch_id}"
        )

    def _may_contact(self, case: _Case) -> Decision | None:
        if self.do_not_contact is None or not len(self.do_not_contact):
            return None
        found = self.do_not_contact.match(case.prepared)
        if found is not None:
            return _skip("do-not-contact", f"{found} is on the do-not-contact list")
        untold = self.do_not_contact.untellable(case.prepared)
        return Decision(kind="hold", reason=untold[0], message=untold[1]) if untold is not None else None

    def _has_attempts(self, case: _Case) -> Decision | None:
        limit = self.config.attempts
        if limit is None:
            return None
        contact = case.prepared.contact
        if contact is None:
            message = "the row has no contact, so its attempts cannot be counted"
            return Decision(kind="hold", reason="no-contact", message=message)
        period_us = round(limit.period_s * MICROS)
        made = [
            at
            for at in case.history.attempts(contact, case.earliest_us - period_us)
            if at > case.earliest_us - period_us
        ]
        planned = self._attempts.get(contact)
        if len(made) + planned < limit.most:
            return None
        shown = f"{len(made) + planned} of {limit.most} attempts in {_period(limit.period_s)} are spent for {contact}"
        if limit.when_spent == "skip" or planned >= limit.most:
            return _skip("attempts-spent", shown)
        frees = sorted(made)[len(made) + planned - limit.most]
        case.earliest_us = max(case.earliest_us, frees + period_us + 1)
        case.reason, case.message = "waits-for-attempts", shown
        return self._in_time(case)

    def _has_window(self, case: _Case) -> Decision | None:
        if self.windows is None:
            return None
        try:
            case.calendars = self.windows.calendars_of(case.prepared)
        except Held as held:
            return Decision(kind="hold", reason=held.reason, message=held.message)
        return None

    def _launched(self, case: _Case) -> Decision:
        not_after_us = case.prepared.not_after_us
        if self.windows is not None:
            decision = self.windows.decide(case.calendars, case.earliest_us, case.now_us, not_after_us, case.reason)
            return (
                decision
                if decision.message or not case.message
                else msgspec.structs.replace(decision, message=case.message)
            )
        return Decision(
            kind="launch",
            reason=case.reason,
            message=case.message,
            not_before_us=case.earliest_us if case.earliest_us > case.now_us else None,
            not_after_us=not_after_us,
        )

    def _counted(self, case: _Case, decision: Decision) -> Decision:
        limit = self.config.limit
        if limit is not None and self._launches >= limit:
            return _skip("over-limit", f"the limit of {limit:,} rows was reached before")
        self._launches += 1
        contact = case.prepared.contact
        if self.config.attempts is not None and contact is not None:
            self._attempts.put(contact, self._attempts.get(contact) + 1)
        return decision


def _skip(reason: str, message: str) -> Decision:
    return Decision(kind="skip", reason=reason, message=message)


def _period(seconds: float) -> str:
    for name, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= length and seconds % length == 0:
            count = int(seconds // length)
            return f"{count} {name}" if count > 1 else f"a {name.removesuffix('s')}"
    return f"{seconds:g} seconds"


class Tally:
    """Decisions by kind and reason, with the first few rows of each."""

    def __init__(self, examples: int = 3) -> None:
        self.by_reason: Counter[tuple[str, str]] = Counter()
        self.examples: dict[str, list[tuple[int, str]]] = {}
        self._most = examples

    def add(self, line: int, decision: Decision) -> None:
        """Count one row."""
        self.by_reason[decision.kind, decision.reason] += 1
        kept = self.examples.setdefault(decision.reason, [])
        if len(kept) < self._most:
            kept.append((line, decision.message))

    @property
    def by_kind(self) -> Mapping[str, int]:
        """Rows by kind of decision."""
        counts: Counter[str] = Counter()
        for (kind, _reason), count in self.by_reason.items():
            counts[kind] += count
        return counts

    def lines(self) -> list[tuple[str, str, int, str]]:
        """Return kind, reason, count and meaning of everything that occurred, most frequent first."""
        most_first = self.by_reason.most_common()
        return [(kind, reason, count, KINDS_BY_REASON[reason][1]) for (kind, reason), count in most_first]
