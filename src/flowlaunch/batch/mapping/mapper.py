"""From a row as read to a row ready to launch, or to every reason why it is not, at once."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch._core.preflight import MAX_BODY_BYTES
from flowlaunch._core.suggest import suggest
from flowlaunch.batch.decisions import CellProblem, Decision, InputRow, Prepared, RowWarning
from flowlaunch.batch.mapping.convert import Formats, UnconvertibleError, instant_of, to_text
from flowlaunch.batch.mapping.feeds import Feed, PathError, plan_feeds
from flowlaunch.batch.mapping.spec import MappingSpec, check_forms
from flowlaunch.batch.mapping.template import PLACEHOLDERS, Template, column_template, parse_template, shown_as
from flowlaunch.batch.numbers import normal_contact
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from flowlaunch.models import FlowInputs

_ROOM_BYTES: Final = 4_096
"""What a request holds beside the input data: flow id, version, name."""
_SHOWN_CHARS: Final = 80
_ROW_TEXTS: Final = ("contact", "zone", "region", "name")
_TEXTS: Final = ("key", *_ROW_TEXTS)
_INSTANTS: Final = ("not_before", "not_after")
_NEVER: Final = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
"""A row that would wait until then was meant otherwise; a last instant beyond it is none, and fine."""


class RowMapper:
    """Turns rows of one source into launches of one flow.

    Attributes:
        warnings: what is worth knowing before any row: near names, unused columns.

    """

    def __init__(
        self,
        spec: MappingSpec,
        columns: Sequence[str],
        inputs: FlowInputs,
        *,
        batch_id: str,
        is_open_ended: bool = False,
    ) -> None:
        """Settle the mapping; PreflightError or InputError names every slip.

        `columns` are those of the source. `is_open_ended` says that later rows may have more (NDJSON).
        """
        check_forms(spec.values)
        self._batch_id = batch_id
        self._spec = spec
        forms = spec.values
        self._formats = Formats(forms.decimal, forms.separator, forms.date_format, forms.time_zone)
        self._not_set = frozenset(forms.not_set)
        known = (*columns, *_named_columns(spec)) if is_open_ended else tuple(columns)
        plan = plan_feeds(spec, tuple(dict.fromkeys(known)), inputs, is_open_ended=is_open_ended)
        self._feeds = plan.feeds
        used = set(plan.used)
        self._texts = {name: self._template(getattr(spec.row, name), known, used) for name in (*_TEXTS, *_INSTANTS)}
        self._phones = tuple(_column(name, known, used, "phones") for name in spec.row.phones)
        self._emails = tuple(_column(name, known, used, "emails") for name in spec.row.emails)
        unused = [name for name in columns if name not in used and name not in {feed.column for feed in self._feeds}]
        notes = [RowWarning("unused-column", name, f"column {name} feeds nothing") for name in unused]
        self.warnings = (*plan.warnings, *notes)

    def prepare(self, row: InputRow, row_number: int) -> Prepared | Decision:
        """Return the row ready to launch, or its rejection with every problem.

        `row_number` is the row's 1-based place in the source; the launch token comes from it and the batch's id.
        """
        cells, problems = row.cells, list[CellProblem]()
        facts = {
            "token": launch_token(self._batch_id, row_number),
            "row": str(row_number),
            "line": str(row.line),
            "batch": self._batch_id,
        }
        key = self._key(row, row_number, facts, problems)
        facts["key"] = key
        input_data = self._input_data(row, facts, problems)
        not_before_us = self._instant("not_before", row, facts, problems)
        not_after_us = self._instant("not_after", row, facts, problems)
        phones, emails = _filled(self._phones, cells), _filled(self._emails, cells)
        texts = {name: self._text(name, row, facts) for name in _ROW_TEXTS}
        contact = texts["contact"] or (phones[0] if phones else emails[0] if emails else "")
        problems += self._unstorable({**texts, "key": key, "contact": contact}, row)
        if not problems and _may_be_large(input_data):
            self._measure(input_data, row.line, problems)
        if problems:
            return rejection(problems)
        return Prepared(
            row_number=row_number,
            line=row.line,
            key=key,
            input_data=input_data,
            name=texts["name"],
            contact=normal_contact(contact, self._spec.values.default_region) if contact else None,
            not_before_us=not_before_us,
            not_after_us=not_after_us,
            phones=phones,
            emails=emails,
            zone=texts["zone"],
            region=texts["region"],
            token=facts["token"],
            cells=cells,
        )

    def _input_data(self, row: InputRow, facts: Mapping[str, str], problems: list[CellProblem]) -> dict[str, Any]:
        input_data = {}
        for feed in self._feeds:
            value = None
            try:
                value = feed.fetch(row.cells, facts)
                if value is None or (type(value) is str and self._means_not_set(value, feed)):
                    if feed.is_required:
                        cure = f"fill {feed.column}" if feed.column else "fill the columns of its text"
                        message = f"{feed.input_name} is required and its cell is empty"
                        problems.append(self._problem("missing-value", row, feed, "", message, cure))
                    continue
                input_data[feed.input_name] = feed.convert(value, self._formats)
            except UnconvertibleError as error:
                shown = _shown(value)
                message = f"{feed.input_name} got {shown!r}, {error}"
                problems.append(self._problem("bad-value", row, feed, shown, message, error.cure))
            except PathError as error:
                message = f"{feed.input_name}: {feed.column} cannot be evaluated ({error})"
                problems.append(self._problem("bad-path", row, feed, "", message, "mend the expression or the row"))
        return input_data

    def _means_not_set(self, value: str, feed: Feed) -> bool:
        return value in self._not_set or (not value.strip() and "" in self._not_set and feed.convert is not to_text)

    def _key(self, row: InputRow, row_number: int, facts: Mapping[str, str], problems: list[CellProblem]) -> str:
        if self._texts["key"] is None:
            return f"row-{row_number}@{self._batch_id}"
        key = self._text("key", row, facts)
        if key is None:
            column = self._spec.row.key or ""
            message, cure = "the row's key is empty", f"fill {column}, or choose another key"
            problems.append(CellProblem("missing-key", row.line, column, "", "", message, cure))
        return key or ""

    def _text(self, name: str, row: InputRow, facts: Mapping[str, str]) -> str | None:
        template = self._texts[name]
        if template is None:
            return None
        cell = row.cells.get(template.names[0]) if template.is_column else template.fill(row.cells, facts)
        return (cell.strip() or None) if type(cell) is str else None if cell is None else shown_as(cell)

    def _unstorable(self, texts: Mapping[str, str | None], row: InputRow) -> Iterator[CellProblem]:
        """Yield the texts that not every database can hold: with a NUL, or with half a character."""
        for name, text in texts.items():
            if text is None or ("\0" not in text and (text.isascii() or _is_whole(text))):
                continue
            reason, what = ("nul-byte", "a NUL") if "\0" in text else ("bad-encoding", "half a character")
            column, shown = getattr(self._spec.row, name) or "", _shown(text)
            message = f"{name} got {shown!r}, which holds {what}"
            yield CellProblem(reason, row.line, column, name, shown, message, "remove it from the cell")

    def _instant(self, name: str, row: InputRow, facts: Mapping[str, str], problems: list[CellProblem]) -> int | None:
        text = self._text(name, row, facts)
        if text is None:
            return None
        try:
            moment = instant_of(text, self._formats) if name == "not_after" else _start_of(text, self._formats)
        except UnconvertibleError as error:
            column = getattr(self._spec.row, name)
            message = f"{name} got {_shown(text)!r}, {error}"
            problems.append(CellProblem("bad-time", row.line, column, name, _shown(text), message, error.cure))
            return None
        return round(moment.timestamp() * 1_000_000)

    def _measure(self, input_data: dict[str, Any], line: int, problems: list[CellProblem]) -> None:
        size_bytes = len(msgspec.json.encode(input_data))
        if size_bytes > MAX_BODY_BYTES - _ROOM_BYTES:
            message = f"the row's input data has {size_bytes:,} bytes; the platform takes {MAX_BODY_BYTES:,} in all"
            cure = "pass an id and let the flow fetch the rest"
            problems.append(CellProblem("too-large", line, "", "", "", message, cure))

    @staticmethod
    def _problem(reason: str, row: InputRow, feed: Feed, value: str, message: str, cure: str) -> CellProblem:
        return CellProblem(reason, row.line, feed.column, feed.input_name, value, message, cure)

    @staticmethod
    def _template(text: str | None, columns: Sequence[str], used: set[str]) -> Template | None:
        """Return the template of a column's name, or of a text with `{column}` in it."""
        if text is None:
            return None
        if text in columns:
            used.add(text)
            return column_template(text)
        template = parse_template(text)
        if not template.names:
            raise _no_column(text, columns, "row")
        for name in template.names:
            if name not in PLACEHOLDERS:
                _column(name, columns, used, text)
        return template


def rejection(problems: Sequence[CellProblem]) -> Decision:
    """Return the decision of a row with `problems`; its reason is the first one's."""
    return Decision(
        kind="reject",
        reason=problems[0].reason,
        message="; ".join(str(problem) for problem in problems),
        problems=tuple(problems),
    )


def _start_of(text: str, formats: Formats) -> dt.datetime:
    moment = instant_of(text, formats)
    if moment >= _NEVER:
        raise UnconvertibleError("which is never", f"give an instant before the year {_NEVER.year}")
    return moment


def launch_token(batch_id: str, row_number: int) -> str:
    """Return the token of one row of one batch: 20 hexadecimal digits, the same whenever it is asked for."""
    return hashlib.blake2b(f"{batch_id}\0{row_number}".encode(), digest_size=10).hexdigest()


def _column(name: str, columns: Sequence[str], used: set[str], what: str) -> str:
    if name not in columns:
        raise _no_column(name, columns, what)
    used.add(name)
    return name


def _no_column(name: str, columns: Sequence[str], what: str) -> InputError:
    meant = suggest(name, columns)
    hint = f"Did you mean {meant}?" if meant else f"The columns are {', '.join(columns[:40])}."
    return InputError(f"{what}: there is no column {name!r}", code="mapping-column", hint=hint)


def _named_columns(spec: MappingSpec) -> tuple[str, ...]:
    rows = (spec.row.key, spec.row.contact, spec.row.zone, spec.row.region, spec.row.not_before, spec.row.not_after)
    named = [*spec.map.values(), *(one for one in rows if one), *spec.row.phones, *spec.row.emails]
    return tuple(one for one in named if "{" not in one)


def _filled(columns: Sequence[str], cells: Mapping[str, Any]) -> tuple[str, ...]:
    texts = (str(cells.get(column) or "").strip() for column in columns)
    return tuple(text for text in texts if text)


def _may_be_large(input_data: Mapping[str, Any]) -> bool:
    """Whether the row is worth encoding to know its size: long texts, or values that are no text."""
    return sum(map(len, map(str, input_data.values()))) * 6 > MAX_BODY_BYTES - _ROOM_BYTES


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    text = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
