"""Who must not be contacted: numbers, addresses and ids of any number of files, in the form that rows compare by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from flowlaunch.batch.decisions import InputRow, Prepared, RowWarning
from flowlaunch.batch.numbers import to_address, to_e164
from flowlaunch.batch.rules.digests import DigestTable
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from flowlaunch.batch.decisions import BadRow

EntryKind = str
"""`phone`, `email`, `key`, or `cell:COLUMN` for entries that are compared with a column of the rows."""

_NAMED: Final = ("phone", "email", "key")
_SHOWN: Final = 5


class DoNotContact:
    """A set of entries; `default_region` is the country of numbers that are written without a `+`."""

    def __init__(self, default_region: str | None = None) -> None:
        self._default_region = default_region
        self._entries = DigestTable()
        self._compared: set[str] = set()
        self._keys = 0
        self.warnings: list[RowWarning] = []

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def needs_contact(self) -> bool:
        """Whether a row without any number, address or contact cannot be judged."""
        return not self._keys and not self._compared.isdisjoint({"phone", "email"})

    def add(self, kind: EntryKind, value: str) -> bool:
        """Add one entry; False when it is none of its kind."""
        form = self._form(kind, value)
        if form is None:
            return False
        self._keys += kind not in {"phone", "email"}
        self._enter(kind, form)
        return True

    def _enter(self, kind: EntryKind, form: str) -> None:
        self._compared.add(kind)
        self._entries.put(f"{kind}\0{form}", 1)

    def load(
        self,
        rows: Iterable[InputRow | BadRow],
        columns: Sequence[str],
        name: str,
        *,
        kinds: Mapping[str, EntryKind] | None = None,
    ) -> int:
        """Add the entries of one file and return how many rows it had.

        `kinds` says what its columns hold. Without it every number and address counts, and in a file of one column
        any other text counts as a key; a first line that is an entry itself counts too.
        """
        _check_kinds(kinds or {}, columns, name)
        keys_before = self._keys
        if kinds is None:
            for column in columns:
                self._add_any(column, is_key=False)
        count, unmatched = 0, list[tuple[int, str]]()
        total_unmatched = 0
        for row in rows:
            count += 1
            if not self._add_row(row, kinds, is_single=len(columns) == 1):
                total_unmatched += 1
                if len(unmatched) < _SHOWN:
                    unmatched.append((row.line, _first_text(row)))
        if kinds is None and len(columns) == 1 and self._keys > keys_before:
            self.add("key", columns[0])
        if unmatched:
            self.warnings.append(_unmatched(name, unmatched, total_unmatched))
        return count

    def _add_row(self, row: InputRow | BadRow, kinds: Mapping[str, EntryKind] | None, *, is_single: bool) -> bool:
        if not isinstance(row, InputRow):
            return False
        texts = {column: str(cell).strip() for column, cell in row.cells.items() if cell is not None}
        if kinds is not None:
            added = [self.add(kind, texts.get(column, "")) for column, kind in kinds.items()]
        else:
            added = [self._add_any(text, is_key=is_single) for text in texts.values()]
        return any(added)

    def _add_any(self, text: str, *, is_key: bool) -> bool:
        """Add what `text` looks like; digits alone may be a number or an id, so with `is_key` they count as both."""
        if "@" in text:
            return self.add("email", text)
        is_number = sum(char.isdigit() for char in text) >= 6 and self.add("phone", text)
        if is_number and is_key and text.isdigit():
            self._enter("key", text)
        return is_number or (is_key and self.add("key", text))

    def _form(self, kind: EntryKind, value: str) -> str | None:
        if kind == "phone":
            return to_e164(value, self._default_region)
        if kind == "email":
            return to_address(value)
        return value.strip() or None

    def match(self, prepared: Prepared) -> str | None:
        """Return the row's value that an entry forbids, or None."""
        return next((shown for kind, value, shown in self._values(prepared) if self._has(kind, value)), None)

    def _has(self, kind: EntryKind, value: str) -> bool:
        form = self._form(kind, value)
        return form is not None and bool(self._entries.get(f"{kind}\0{form}"))

    def _values(self, prepared: Prepared) -> Iterator[tuple[EntryKind, str, str]]:
        compared = self._compared
        contact = prepared.contact or ""
        if "phone" in compared:
            yield from (("phone", phone, phone) for phone in (*prepared.phones, contact) if phone)
        if "email" in compared:
            yield from (("email", address, address) for address in (*prepared.emails, contact) if "@" in address)
        if "key" in compared:
            yield from (("key", key, key) for key in (prepared.key, contact) if key)
        for kind in compared:
            column = kind.removeprefix("cell:")
            cell = prepared.cells.get(column) if column != kind else None
            if cell is not None:
                yield (kind, str(cell), f"{column} {cell}")

    def untellable(self, prepared: Prepared) -> tuple[Literal["unknown-number", "no-contact"], str] | None:
        """Return why a row cannot be compared: a number that is none, or nothing to compare at all."""
        if "phone" in self._compared:
            for phone in prepared.phones:
                if to_e164(phone, self._default_region) is None:
                    return "unknown-number", f"{phone!r} is no telephone number, so the do-not-contact list cannot tell"
        if self.needs_contact and not (prepared.phones or prepared.emails or prepared.contact):
            return "no-contact", "the row has no number and no address, so the do-not-contact list cannot tell"
        return None


def _check_kinds(kinds: Mapping[str, EntryKind], columns: Sequence[str], name: str) -> None:
    for column, kind in kinds.items():
        if column not in columns:
            raise InputError(
                f"read do-not-contact entries of {name}: there is no column {column!r}",
                code="rules-do-not-contact",
                hint=f"Its columns are {', '.join(columns[:20])}.",
            )
        if kind not in _NAMED and not kind.startswith("cell:"):
            raise InputError(
                f"do-not-contact entries of kind {kind!r} are not known",
                code="rules-do-not-contact",
                hint="Write phone, email, key or cell:COLUMN.",
            )


def _first_text(row: InputRow | BadRow) -> str:
    if not isinstance(row, InputRow):
        return row.raw[:40]
    return next((str(cell)[:40] for cell in row.cells.values() if cell), "")


def _unmatched(name: str, examples: Sequence[tuple[int, str]], count: int) -> RowWarning:
    shown = ", ".join(f"line {line}: {text}" for line, text in examples)
    message = f"{name}: {count:,} rows hold nothing that a row can be compared with ({shown})"
    return RowWarning(
        "bad-entry",
        "",
        message,
        line=examples[0][0],
        value=examples[0][1],
        count=count,
        lines=tuple(line for line, _text in examples),
    )
