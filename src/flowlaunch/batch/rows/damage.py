"""What spreadsheets do to numbers, dates and ids: found, counted and shown with lines; nothing is changed."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.decisions import BadRow, InputRow, RowWarning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_CHUNK: Final = 2_048
_EXAMPLES: Final = 5
_STRIDE: Final = 32
_ID_NAME: Final = re.compile(
    r"(^|[^a-z])(id|ids|no|nr|num|number|zip|plz|postal|postcode|phone|tel|telephone|mobile|cell|fax|account|acct|iban"
    r"|customer|contract|order|invoice|policy|case|ticket|sku|code|key|ref|ssn|msisdn|ani)([^a-z]|$)"
    r"|phone|number|zip|(?<=[a-z])(Id|ID|No|Nr)$"
)
_DATE: Final = re.compile(
    r"\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d\d)|\d{4}-\d\d-\d\d([ T]00:00(:00)?)?"
    r"|\d{1,2}[-. ](Jan|Feb|M[aä]r|Apr|Ma[iy]|Jun|Jul|Aug|Sep|O[ck]t|Nov|De[cz])\w*"
    r"|(Jan|Feb|M[aä]r|Apr|Ma[iy]|Jun|Jul|Aug|Sep|O[ck]t|Nov|De[cz])\w*[-. ]\d\d(\d\d)?"
)
_EXPONENT: Final = re.compile(r"[+-]?\d([.,]\d+)?[Ee]\+\d{1,3}")
_ERROR: Final = re.compile(r"#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|NV|WERT!|BEZUG!|ZAHL!|N/D)")
_HASHES: Final = re.compile("#{3,}")
_DOT_ZERO: Final = re.compile(r"\d+\.0")

_CELL_RULES: Final = (  # slug, one of which a chunk must hold to be looked at cell by cell, pattern of a whole cell
    ("exponent", ("E+", "e+"), _EXPONENT),
    ("cell-error", ("\n#",), _ERROR),
    ("hashes", ("\n###",), _HASHES),
    ("trailing-dot-zero", (".0\n",), _DOT_ZERO),
)
_MESSAGES: Final = {
    "exponent": "written with an exponent: its digits are gone, take the value from its source again",
    "cell-error": "the formula of this cell failed",
    "hashes": "copied from a column that was too narrow",
    "trailing-dot-zero": "a number with .0 at its end, where an id is more likely",
    "date-for-id": "a date among values that are none: a spreadsheet may have turned an id into a date",
    "lost-zero": "may have lost a leading zero",
    "lost-plus": "may have lost its leading +",
}


class Found:
    """How often one kind of damage was seen in a column, and where first."""

    __slots__ = ("count", "examples")

    def __init__(self) -> None:
        self.count = 0
        self.examples: list[tuple[int, str]] = []

    def add(self, line: int, value: str) -> None:
        """Count one cell."""
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append((line, value))


class _Column:
    """What was seen of one column."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_id_by_name = bool(_ID_NAME.search(name) or _ID_NAME.search(name.lower()))
        self.filled = 0
        self.dates = 0
        self.plus_led = 0
        self.zero_led = Counter[int]()
        self.plain_led = Counter[int]()
        self.by_length: dict[int, Found] = {}
        self.found: dict[str, Found] = {}

    def look(self, values: Sequence[str], lines: Sequence[int]) -> None:
        """Look at one chunk of the column."""
        text = "\n" + "\n".join(values) + "\n"
        self.filled += len(values) - values.count("")
        for slug, tellings, pattern in _CELL_RULES:
            if any(telling in text for telling in tellings) and (slug != "trailing-dot-zero" or self.is_id_by_name):
                self._cells(slug, pattern, values, lines)
        plus_led = text.count("\n+")
        self.plus_led += plus_led
        if (plus_led and plus_led < len(values)) or any(value.isdigit() for value in values[::_STRIDE]):
            self._numbers([value for value in values if value.isdigit()], values, lines)
        if self._holds_ids() and 2 * self.dates <= self.filled:
            self._dates(values, lines)

    def _cells(self, slug: str, pattern: re.Pattern[str], values: Sequence[str], lines: Sequence[int]) -> None:
        hits = [place for place, value in enumerate(values) if value and pattern.fullmatch(value)]
        if hits:
            found = self.found.setdefault(slug, Found())
            for place in hits:
                found.add(lines[place], values[place])

    def _dates(self, values: Sequence[str], lines: Sequence[int]) -> None:
        for value, line in zip(values, lines, strict=True):
            if value and value[0] != "+" and not value.isdigit() and _DATE.fullmatch(value):
                self.found.setdefault("date-for-id", Found()).add(line, value)
                self.dates += 1

    def _numbers(self, digits: Sequence[str], values: Sequence[str], lines: Sequence[int]) -> None:
        zero_led = Counter([len(value) for value in digits if value[0] == "0"])
        self.zero_led.update(zero_led)
        plain = Counter([len(value) for value in digits]) - zero_led
        self.plain_led.update(plain)
        for length in plain:
            kept = self.by_length.setdefault(length, Found())
            if kept.count < _EXAMPLES:
                for value, line in zip(values, lines, strict=True):
                    if len(value) == length and value[0] != "0" and value.isdigit() and kept.count < _EXAMPLES:
                        kept.add(line, value)

    def warnings(self) -> Iterator[RowWarning]:
        """Yield what is suspicious, now that the whole column was seen."""
        for slug, found in self.found.items():
            if slug != "date-for-id" or 2 * self.dates < self.filled:
                yield self._warning(slug, found.count, found.examples)
        lengths = self._lengths_without_zero()
        if lengths:
            yield self._by_lengths("lost-zero", lengths)
        numbers = sum(self.plain_led.values())
        if self.plus_led * 5 >= self.filled and numbers and not lengths:
            long = [length for length in self.plain_led if length >= 8]
            if long:
                yield self._by_lengths("lost-plus", long)

    def _holds_ids(self) -> bool:
        numbers = sum(self.plain_led.values()) + sum(self.zero_led.values())
        return self.is_id_by_name or 2 * numbers > self.filled

    def _lengths_without_zero(self) -> list[int]:
        """Return the lengths of numbers that are likely to have lost a leading zero."""
        all_lengths = self.plain_led + self.zero_led
        total, zeros = sum(all_lengths.values()), sum(self.zero_led.values())
        if not total:
            return []
        width, most = all_lengths.most_common(1)[0]
        if most * 10 >= total * 7:
            is_told = zeros or self.is_id_by_name
            near = [length for length in self.plain_led if 0 < width - length <= 3]
            return near if is_told and width >= 4 and not (self._spreads() and not zeros) else []
        if zeros * 5 >= total and (self.is_id_by_name or zeros * 10 >= total * 8):
            return [length for length in self.plain_led if length + 1 in self.zero_led]
        return []

    def _spreads(self) -> bool:
        """Whether the numbers grow through many lengths, as counters do: 7, 42, 4711."""
        return len(self.plain_led) > 2 or min(self.plain_led, default=9) < 3

    def _by_lengths(self, slug: str, lengths: Sequence[int]) -> RowWarning:
        examples = sorted(one for length in lengths for one in self.by_length[length].examples)
        return self._warning(slug, sum(self.plain_led[length] for length in lengths), examples[:_EXAMPLES])

    def _warning(self, slug: str, count: int, examples: Sequence[tuple[int, str]]) -> RowWarning:
        line, value = examples[0]
        shown = ", ".join(f"line {at}: {one}" for at, one in examples)
        more = f" and {count - len(examples):,} more" if count > len(examples) else ""
        message = f"column {self.name}: {_MESSAGES[slug]} ({shown}{more})"
        lines = tuple(at for at, _one in examples)
        return RowWarning(slug, self.name, message, line=line, value=value, count=count, lines=lines)


class DamageDetector:
    """Looks at rows as they pass, a chunk at a time; `warnings` is complete when they have passed."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = [_Column(name) for name in columns]

    def watch(self, rows: Iterable[InputRow | BadRow]) -> Iterator[InputRow | BadRow]:
        """Yield `rows` unchanged."""
        chunk: list[InputRow] = []
        keep = chunk.append
        for row in rows:
            if type(row) is InputRow:
                keep(row)
                if len(chunk) == _CHUNK:
                    self._look(chunk)
                    chunk.clear()
            yield row
        if chunk:
            self._look(chunk)

    def _look(self, rows: Sequence[InputRow]) -> None:
        """Look at text alone; the cells of every row are in the order of the columns."""
        lines = [row.line for row in rows]
        by_column = zip(*[row.cells.values() for row in rows], strict=True)
        for column, values in zip(self._columns, by_column, strict=True):
            column.look(values, lines)

    def warnings(self) -> tuple[RowWarning, ...]:
        """Return what was found, column by column."""
        return tuple(warning for column in self._columns for warning in column.warnings())
