"""The bytes of a source, read once in blocks, hashed on the way, with a look ahead for detection."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from flowlaunch.batch.rows.options import BLOCK_BYTES, SAMPLE_BYTES
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

STDIN: Final = "-"


class Feed:
    """Blocks of bytes from a file or standard input; `name` is what people call it."""

    def __init__(self, stream: BinaryIO, name: str, *, is_seekable: bool) -> None:
        self.name = name
        self.is_seekable = is_seekable
        self._stream = stream
        self._ahead = b""
        self._hash = hashlib.sha256()
        self._is_done = False
        self._spool: BinaryIO | None = None

    def sample(self, size_bytes: int = SAMPLE_BYTES) -> bytes:
        """Return the first bytes without taking them."""
        while len(self._ahead) < size_bytes and (block := self._read(BLOCK_BYTES)):
            self._ahead += block
        return self._ahead

    def around_first_non_ascii(self, size_bytes: int) -> bytes:
        """Return some bytes around the first that is no ASCII, without taking any; empty when there is none.

        Standard input is looked at only as far as its sample.
        """
        if not self.is_seekable:
            return b"" if self._ahead.isascii() else self._ahead
        place = self._stream.tell()
        try:
            self._stream.seek(0)
            while block := self._stream.read(BLOCK_BYTES):
                if not block.isascii():
                    return block + self._stream.read(size_bytes)
            return b""
        finally:
            self._stream.seek(place)

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes in blocks, adding them to the hash."""
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            self._hash.update(ahead)
            yield ahead
        while block := self._read(BLOCK_BYTES):
            self._hash.update(block)
            yield block
        self._is_done = True

    def sha256(self) -> str:
        """Return the hash of the whole source, reading whatever was not read yet."""
        if not self._is_done:
            for _block in self.blocks():
                pass
        return self._hash.hexdigest()

    def seekable(self) -> BinaryIO:
        """Return a stream of the whole source that can be read in any order; standard input goes to a file first."""
        if self.is_seekable:
            self.sha256()
            self._stream.seek(0)
            return self._stream
        spool = self._spool = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - closed by `close`
        for block in self.blocks():
            spool.write(block)
        spool.seek(0)
        return spool

    def close(self) -> None:
        """Close the file, and what standard input was copied to; that itself stays open."""
        if self._spool is not None:
            self._spool.close()
        if self.name != "standard input":
            self._stream.close()

    def _read(self, size_bytes: int) -> bytes:
        try:
            return self._stream.read(size_bytes)
        except OSError as error:
            raise InputError(
                f"read {self.name}: {error}",
                code="rows-unreadable",
                hint="Copy the file to a local disk and try again.",
            ) from error


def open_feed(source: Path | str, stdin: BinaryIO | None = None) -> Feed:
    """Open a file, or standard input for `-`."""
    if str(source) == STDIN:
        return Feed(stdin or sys.stdin.buffer, "standard input", is_seekable=False)
    path = Path(source)
    try:
        return Feed(path.open("rb"), str(path), is_seekable=True)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"open {path}: {reason}", code="rows-unreadable", hint="Check the path of the rows; - reads standard input."
        ) from error


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, read in blocks."""
    feed = open_feed(path)
    try:
        return feed.sha256()
    finally:
        feed.close()
