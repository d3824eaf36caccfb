"""Text of any size as lines, in bounded memory: too long lines and undecodable bytes are marked, not raised."""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.batch.rows.feed import Feed

MARK: Final = "\0"
TOO_LONG: Final = MARK + "line-too-long" + MARK
_UNDECODED: Final = re.compile("[\ud800-\udfff]")
_WIDE: Final = ("utf-16", "utf-32")  # their decoders cannot keep a single byte
codecs.register_error("flowlaunch-mark", lambda error: ("\udc80", getattr(error, "end", 0)))


class TextBlocks:
    """Blocks of whole lines from `feed`.

    `is_damaged` turns true as soon as a block held a NUL, bytes that are no text or a line over the limit; only
    then do readers look at each record with `damage_of`.
    """

    def __init__(self, feed: Feed, encoding: str, max_line_chars: int) -> None:
        self.is_damaged = False
        self.newlines: set[str] = set()
        self._feed = feed
        self._encoding = encoding
        self._max_line_chars = max_line_chars
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")

    def lines(self) -> Iterator[Iterator[str]]:
        """Yield iterators over lines with their ends: LF, CRLF or CR."""
        for text in self._whole_lines():
            if MARK in text:
                self.is_damaged = True
            if len(self.newlines) < 3:
                self._note_newlines(text)
            lines = io.StringIO(text, newline="")
            yield lines if len(text) <= self._max_line_chars else map(self._limited, lines)

    def _limited(self, line: str) -> str:
        return line if len(line.rstrip("\r\n")) <= self._max_line_chars else self._too_long(line)

    def _whole_lines(self) -> Iterator[str]:
        tail, is_skipping = "", False
        for text in self._decoded():
            if is_skipping:
                end = _first_end(text)
                if end < 0:
                    continue
                tail, text, is_skipping = "", text[end:], False  # noqa: PLW2901 - the rest of the block
            cut = _last_end(text)
            if cut:
                yield tail + text[:cut]
                tail = text[cut:]
            else:
                tail += text
            if len(tail) > self._max_line_chars:
                yield self._too_long(tail)
                tail, is_skipping = "", True
        if tail:
            yield tail

    def _too_long(self, start: str) -> str:
        self.is_damaged = True
        shown = re.sub(r"[^\w@.+ -]", " ", start[:200])
        return f"{TOO_LONG}{shown}\n"

    def _decoded(self) -> Iterator[str]:
        for block in self._feed.blocks():
            yield self._decode(block, is_last=False)
        yield self._decode(b"", is_last=True)

    def _decode(self, block: bytes, *, is_last: bool) -> str:
        state = self._decoder.getstate()
        try:
            return self._decoder.decode(block, is_last)
        except UnicodeDecodeError:
            self.is_damaged = True
            errors = "flowlaunch-mark" if self._encoding.startswith(_WIDE) else "surrogateescape"
            self._decoder = codecs.getincrementaldecoder(self._encoding)(errors)
            self._decoder.setstate(state)
            return self._decoder.decode(block, is_last)

    def _note_newlines(self, text: str) -> None:
        crlf = text.count("\r\n")
        for name, count in (("CRLF", crlf), ("LF", text.count("\n") - crlf), ("CR", text.count("\r") - crlf)):
            if count:
                self.newlines.add(name)


def damage_of(text: str) -> str | None:
    """Return the reason why a record's text is damaged, or None."""
    if TOO_LONG in text:
        return "line-too-long"
    if MARK in text:
        return "nul-byte"
    if not text.isascii() and _UNDECODED.search(text):
        return "bad-encoding"
    return None


def printable(text: str) -> str:
    """Return `text` for people and files: no NUL, and undecodable bytes escaped."""
    return text.replace(TOO_LONG, "").replace(MARK, "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def _first_end(text: str) -> int:
    """Return the place after the first line end, or -1; a CR at the very end may be half of a CRLF."""
    feed = text.find("\n")
    if feed >= 0:
        back = text.find("\r", 0, feed)
        return feed + 1 if back in {-1, feed - 1} else back + 1
    back = text.find("\r", 0, max(len(text) - 1, 0))
    return back + 1 if back >= 0 else -1


def _last_end(text: str) -> int:
    """Return the place after the last line end that is surely whole, or 0."""
    feed = text.rfind("\n")
    return feed + 1 if feed >= 0 else text.rfind("\r", 0, max(len(text) - 1, 0)) + 1
