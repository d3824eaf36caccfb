"""Take one contact out of files that flowlaunch wrote: exports, rejects, reports, summaries, event logs.

What a file is, is told by its content and not by its name, so a file of rows is never touched: its records are counted
by their place when a batch is resumed or joined.
"""

from __future__ import annotations

import csv
import functools
import html
import io
import re
from typing import IO, TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.batch.results.export import whole_file
from flowlaunch.batch.results.rejects import DECISION_COLUMNS, REJECT_COLUMNS
from flowlaunch.batch.results.sinks import PREFIX, RESULT_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["Contact", "scrub"]

FORGOTTEN: Final = "forgotten"
SHORTEST_WORD: Final = 4
"""Shorter names are looked for as a row's key only: too much else looks like them."""
SHORTEST_NUMBER: Final = 7
"""Digits from which on the end of a telephone number is taken for all of it."""
KEY_COLUMN: Final = f"{PREFIX}key"
_NUMBER: Final = re.compile(r"'?[\d\s()+./-]+")
BLOCK_BYTES: Final = 1 << 20
HEAD_BYTES: Final = 1 << 16
PACKED: Final = {b"PK\x03\x04": "a workbook or archive", b"\x1f\x8b": "a compressed file"}
"""First bytes -> what cannot be looked into here."""
PAGE_MARK: Final = b"<!doctype html"
REPORT_MARK: Final = b"flowlaunch"
PARQUET_MARK: Final = b"PAR1"
OWN_OBJECTS: Final = ({"result", "output"}, {"kind", "at"}, {"batch_id", "verdict"})
"""Keys by which a line, or a document, of JSON is known as ours: an export, an event, a summary."""


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to be forgotten: the row key that was given, the keys of the other rows, and the contacts.

    Only the key given and the contacts tell a record apart for sure: another batch's row 7 is somebody else's.
    """

    key: str
    keys: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()

    @property
    def sure_words(self) -> frozenset[str]:
        """The names that tell a record apart, as far as they are long enough for running text."""
        return frozenset(one for one in {self.key, *self.contacts} if len(one) >= SHORTEST_WORD)

    @property
    def words(self) -> frozenset[str]:
        """All names that are long enough to be looked for in running text."""
        return self.sure_words | {one for one in self.keys if len(one) >= SHORTEST_WORD}

    def is_named_by(self, cell: Any) -> bool:
        """Tell whether one cell is a contact: the same text, or the same number written another way."""
        text = cell if isinstance(cell, str) else str(cell)
        if text.removeprefix("'") in self.contacts:
            return True
        if _NUMBER.fullmatch(text) is None:
            return False
        digits = re.sub(r"\D", "", text).lstrip("0")
        return len(digits) >= SHORTEST_NUMBER and any(one[:1] == "+" and one.endswith(digits) for one in self.contacts)

    def is_mentioned_in(self, value: Any) -> bool:
        """Tell whether a text within is a name that tells a record apart, or has it as a word."""
        match value:
            case str():
                return self.is_named_by(value) or _any_word(self.sure_words).search(value) is not None
            case dict():
                return any(map(self.is_mentioned_in, value.values()))
            case list():
                return any(map(self.is_mentioned_in, value))
            case _:
                return self.is_named_by(value)

    def why_left_in(self, path: Path) -> str:
        """Tell why a file may still name the contact; "" when none of its bytes do."""
        wanted = [form for name in self.words for form in _written(name)]
        longest = max(map(len, wanted), default=0)
        with path.open("rb") as stream:
            tail = stream.read(4)
            packed = next((what for mark, what in PACKED.items() if tail.startswith(mark)), None)
            if packed is not None:
                return f"{packed} is not looked into"
            for block in iter(lambda: stream.read(BLOCK_BYTES), b""):
                window = tail + block
                if any(form in window for form in wanted):
                    return "it names the contact"
                tail = window[-longest:] if longest else b""
        return ""


def scrub(path: Path, contact: Contact) -> int | None:
    """Take out what names the contact; return how many records or mentions, or None when the file is not ours."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    for is_ours, clean in _CLEANERS:
        if is_ours(head):
            return clean(path, contact)
    return None


@functools.lru_cache(maxsize=64)
def _any_word(names: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)" if names else r"(?!)")


def _written(name: str) -> set[bytes]:
    """Return how a name may stand in a file: plain, in JSON, in HTML, in UTF-16."""
    texts = {name, msgspec.json.encode(name).decode()[1:-1], html.escape(name)}
    return {text.encode() for text in texts} | {name.encode("utf-16-le")}


def _is_own_csv(head: bytes) -> bool:
    first = next(csv.reader(io.StringIO(head.decode("utf-8", "replace").splitlines()[0])), []) if head.strip() else []
    exported = {PREFIX + name for name in RESULT_TYPES}
    return exported <= set(first) or set(REJECT_COLUMNS) <= set(first) or tuple(first) == DECISION_COLUMNS


def _clean_csv(path: Path, contact: Contact) -> int:
    dropped = 0
    with path.open(encoding="utf-8", newline="") as source, whole_file(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text, lineterminator="\n")
        rows = csv.reader(source)
        header = next(rows, [])
        writer.writerow(header)
        # a file of decisions has no contact in its cells, so all of the contact's keys must tell
        is_decisions = tuple(header) == DECISION_COLUMNS
        keys = {contact.key, *contact.words} if is_decisions else {contact.key}
        key_name = "key" if is_decisions else KEY_COLUMN
        key_place = header.index(key_name) if key_name in header else None
        for row in rows:
            is_row = key_place is not None and row[key_place].removeprefix("'") in keys
            if is_row or any(map(contact.is_mentioned_in, row)):
                dropped += 1
            else:
                writer.writerow(row)
        text.flush()
        text.detach()
    return dropped


def _is_own_json(head: bytes) -> bool:
    return _is_own_object(_object(head.partition(b"\n")[0]))


def _is_own_object(found: Mapping[str, Any]) -> bool:
    return any(marks <= found.keys() for marks in OWN_OBJECTS)


def _clean_json_lines(path: Path, contact: Contact) -> int:
    dropped = 0
    with path.open("rb") as source, whole_file(path) as stream:
        for line in source:
            found = _object(line)
            result = found.get("result")
            is_row = isinstance(result, dict) and result.get("key") == contact.key
            is_told = "kind" in found and _any_word(contact.words).search(str(found.get("message"))) is not None
            if is_row or is_told or contact.is_mentioned_in(found):
                dropped += 1
            else:
                stream.write(line)
    return dropped


def _is_own_document(head: bytes) -> bool:
    return head.lstrip().startswith(b"{") and all(b'"%s"' % mark.encode() in head for mark in OWN_OBJECTS[-1])


def _is_own_page(head: bytes) -> bool:
    return head.lstrip()[: len(PAGE_MARK)].lower() == PAGE_MARK and REPORT_MARK in head.lower()


def _blank_mentions(path: Path, contact: Contact) -> int:
    text = path.read_text(encoding="utf-8")
    forms = frozenset(form.decode() for name in contact.words for form in _written(name) if b"\0" not in form)
    text, found = _any_word(forms).subn(FORGOTTEN, text)
    with whole_file(path) as stream:
        stream.write(text.encode())
    return found


def _is_own_parquet(head: bytes) -> bool:
    return head.startswith(PARQUET_MARK)


def _clean_parquet(path: Path, contact: Contact) -> int | None:
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415 - only those who export Parquet have it
    except ImportError:
        return None
    with pq.ParquetFile(path) as table:
        schema = table.schema_arrow
        if KEY_COLUMN not in schema.names:
            return None
        with whole_file(path) as stream:
            return _copy_parquet(pq, table, stream, contact)


def _copy_parquet(pq: Any, table: Any, stream: IO[bytes], contact: Contact) -> int:
    dropped = 0
    with pq.ParquetWriter(stream, table.schema_arrow, compression="zstd") as writer:
        for batch in table.iter_batches():
            kept = [row[KEY_COLUMN] != contact.key and not contact.is_mentioned_in(row) for row in batch.to_pylist()]
            dropped += kept.count(False)
            writer.write_batch(batch.filter(kept))
    return dropped


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


_CLEANERS: Final[tuple[tuple[Callable[[bytes], bool], Callable[[Path, Contact], int | None]], ...]] = (
    (_is_own_parquet, _clean_parquet),
    (_is_own_page, _blank_mentions),
    (_is_own_json, _clean_json_lines),
    (_is_own_document, _blank_mentions),
    (_is_own_csv, _clean_csv),
)
"""How a file is known as ours, by its first bytes -> what takes the contact out of it."""
