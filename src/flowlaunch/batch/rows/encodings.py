"""Which encoding a text file has: by its mark, by being valid UTF-8, or by a guess that is shown."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final, NamedTuple

from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from flowlaunch.batch.rows.feed import Feed

_MARKS: Final = (  # the longer mark first: UTF-32-LE begins like UTF-16-LE
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GUESSES: Final = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("shift_jis", "cp932", "euc_jp", "gb18030", "big5", "euc_kr", "mac_roman", "cp437", "cp850"),
]
_GUESS_BYTES: Final = 1 << 16


class Encoding(NamedTuple):
    """A codec's name, whether a mark gave it, whether it is a guess, and an example that shows the guess."""

    name: str
    has_bom: bool = False
    is_guessed: bool = False
    example: str = ""


def detect_encoding(feed: Feed, wanted: str | None) -> Encoding:
    """Return the encoding of `feed`, looking through a whole file for its first byte beyond ASCII."""
    head = feed.sample()
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if wanted is not None:
        name = _known(wanted)
        is_marked = marked is not None and name in {marked, marked.removesuffix("-sig")}
        return Encoding(marked if is_marked and marked else name, has_bom=is_marked)
    if marked is not None:
        return Encoding(marked, has_bom=True)
    wide = _unmarked_wide(head)
    if wide is not None:
        return Encoding(wide, is_guessed=True, example=head[:80].decode(wide, "replace").split("\n")[0])
    sample = feed.around_first_non_ascii(_GUESS_BYTES) if head.isascii() else head
    return Encoding("utf-8") if _is_utf8(sample) else _guess(sample)


def _known(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise InputError(
            f"the encoding {name!r} is not known",
            code="rows-encoding",
            hint="Give a name such as utf-8, cp1252, utf-16 or shift_jis, or leave it out to have it found.",
        ) from error


def _unmarked_wide(head: bytes) -> str | None:
    """Return UTF-16's byte order when every other byte of plain text is NUL."""
    sample = head[: 1 << 12]
    half = len(sample) // 2
    if half < 2 or not sample.count(0):
        return None
    for name, nuls in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if nuls.count(0) > 0.4 * half and sample.count(0) - nuls.count(0) < 0.05 * half:
            return name
    return None


def _is_utf8(sample: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(sample)
    except UnicodeDecodeError as error:
        # one stray byte in an UTF-8 file is a bad row, not another encoding
        rest = sample[error.start + 1 :]
        good = sum(1 for char in sample.decode("utf-8", "ignore") if char > "\x7f")
        bad = sum(1 for char in sample.decode("utf-8", "replace") if char == "\ufffd")
        return bool(rest or error.start) and good > 10 * bad
    return True


def _guess(sample: bytes) -> Encoding:
    """Guess from the lines that hold something beyond ASCII; Western Windows text when nothing speaks for another."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - slow to load, and rarely needed

    telling = b"\n".join(line for line in sample[:_GUESS_BYTES].splitlines() if not line.isascii())[:_GUESS_BYTES]
    found = from_bytes(telling, cp_isolation=_GUESSES).best()
    name = found.encoding if found is not None else "cp1252"
    if name in {"cp1250", "cp1254", "cp1257", "mac_roman", "cp437", "cp850"} and _reads_as_western(telling):
        name = "cp1252"
    example = telling.decode(name, "replace").split("\n")[0].strip()[:80]
    return Encoding(name, is_guessed=True, example=example)


_UNLIKELY: Final = frozenset(map(chr, (0xA4, 0xA6, 0xAC, 0xAF, 0xB8, 0xD0, 0xD7, 0xDE, 0xF0, 0xF7, 0xFE)))
_WESTERN: Final = frozenset(map(chr, (*range(0xA0, 0x100), 0x20AC, 0x2013, 0x2014, *range(0x2018, 0x201F), 0x2026)))


def _reads_as_western(telling: bytes) -> bool:
    try:
        text = telling.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return all(char in _WESTERN and char not in _UNLIKELY for char in text if char > "\x7f")
