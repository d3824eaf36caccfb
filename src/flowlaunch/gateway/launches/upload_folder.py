"""The folder of uploaded files: how many come in at once, how much room they take, and what a crash leaves there."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import time
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, Literal

import msgspec
from starlette.requests import ClientDisconnect

from flowlaunch.batch.ledger.liveness import process_exists
from flowlaunch.gateway.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator
    from pathlib import Path

__all__ = ["ReceivedFile", "Upload", "UploadFolder", "UploadLimits"]

PART: Final = ".part"
TOLD: Final = ".json"
SOON_S: Final = 5
DRAINED_BYTES: Final = 4_000_000
DRAINED_S: Final = 1.0
ORPHAN_S: Final = 3_600.0
"""Age at which a file without a batch is left over: it is recorded within seconds of being kept."""
OURS: Final[set[str]] = set()
"""Names of the parts that this very process receives: others of its pid are from before a restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """Bounds of the folder.

    Attributes:
        file_bytes: of one file.
        at_once: files received at once.
        unread: files that are not in the ledger yet, and `unread_bytes` of all of them with those being received.

    """

    file_bytes: int
    at_once: int
    unread: int
    unread_bytes: int


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """What was said with the file and what it is; kept beside it, and after it.

    Attributes:
        key: the column that tells rows apart; a repeated one goes out once.
        mapping: TOML of a mapping of its own; "": that of the route, or columns feed inputs of their names.
        sha256: of the file: the same one sent again is the same batch.

    """

    flow: str
    format: Literal["csv", "ndjson"]
    name: str
    by: str
    route: str | None = None
    key: str | None = None
    mapping: str = ""
    sha256: str = ""

    def is_same(self, other: Upload) -> bool:
        """Tell whether another request is this one again, whatever was changed of its route since."""
        return _identity(self) == _identity(other)


def _identity(upload: Upload) -> tuple[str | None, ...]:
    return (upload.flow if upload.route is None else None, upload.format, upload.route, upload.key, upload.mapping,
            upload.sha256)  # fmt: skip


@dataclass(slots=True)
class ReceivedFile:
    """A file while and after it comes in, under a name of its own that is gone once the request is over."""

    part: Path
    sha256: str = ""
    size_bytes: int = 0


class UploadFolder:
    """The files, each with what was told of it beside it. A file is kept until its rows are in the ledger."""

    def __init__(self, folder: Path, limits: UploadLimits) -> None:
        self.path, self._limits = folder.absolute(), limits
        self._receiving: dict[str, ReceivedFile] = {}
        self._kept_bytes = 0

    @asynccontextmanager
    async def receiving(self, content: AsyncIterator[bytes], told_bytes: int = 0) -> AsyncIterator[ReceivedFile]:
        """Receive a file and lend it; nothing of it is left afterwards unless `keep` gave it a name.

        Args:
            content: its bytes, as they come.
            told_bytes: how long the sender says that it is; 0: not told.

        Raises:
            Problem: too many come in at once, it is too large or empty, or there is no room.

        """
        try:
            with self._place() as received:
                try:
                    await asyncio.to_thread(self._measure)
                    self._check(received, told_bytes)
                    await self._receive(content, received)
                    yield received
                finally:
                    await asyncio.to_thread(_unlink, received.part, _told_part(received.part))
        except Problem:
            await _drain(content)
            raise

    def keep(self, received: ReceivedFile, path: Path, upload: Upload) -> None:
        """Give a received file its name; both are on the disk when this returns."""
        part = _told_part(received.part)
        with _full_disk_is_told():
            with part.open("wb") as file:
                file.write(msgspec.json.encode(upload))
                _to_disk(file)
            part.replace(told_path(path))
            received.part.replace(path)
            _folder_to_disk(self.path)

    def told(self, path: Path) -> Upload | None:
        """Return what was told of a file; None when nothing was."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(told_path(path).read_bytes(), type=Upload)
        return None

    def remove(self, path: Path) -> None:
        """Remove a file whose rows are in the ledger; what was told of it stays, to know it again."""
        _unlink(path)

    def forget(self, path: Path) -> None:
        """Remove a file that is no batch, with what was told of it."""
        _unlink(path, told_path(path))

    def sweep(self, sources: Collection[str]) -> int:
        """Remove what ended processes left half received, and old files that are of no batch; return how many."""
        count, oldest_s = 0, time.time() - ORPHAN_S
        for entry in self._entries():
            is_part = entry.name.endswith(PART)
            if not is_part and entry.path.removesuffix(TOLD) in sources:
                continue
            with contextlib.suppress(FileNotFoundError):
                if _is_left(entry.name) if is_part else entry.stat().st_mtime < oldest_s:
                    _unlink(self.path / entry.name)
                    count += 1
        return count

    @contextlib.contextmanager
    def _place(self) -> Iterator[ReceivedFile]:
        """Lend one of the places for files that come in; Problem when all are taken."""
        if len(self._receiving) >= self._limits.at_once:
            raise Problem(
                429, "uploads-busy", "Too many files come in at once",
                f"The gateway receives {self._limits.at_once} files already. Nothing was kept; send it again soon.",
                headers={"connection": "close"}, retry_after_s=SOON_S,
            )  # fmt: skip
        received = ReceivedFile(self.path / f"{os.getpid()}-{uuid.uuid4().hex}{PART}")
        self._receiving[received.part.name] = received
        OURS.add(received.part.name)
        try:
            yield received
        finally:
            del self._receiving[received.part.name]
            OURS.discard(received.part.name)

    # parts ---------------------------------------------------------------------------------------------------

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        with contextlib.suppress(FileNotFoundError), os.scandir(self.path) as entries:
            yield from entries

    def _measure(self) -> None:
        """Look how much room the files take that are not read yet, and refuse another one beyond the bounds."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        files, size_bytes = 0, 0
        for entry in self._entries():
            if entry.name.endswith(TOLD) or entry.name in self._receiving:
                continue
            with contextlib.suppress(FileNotFoundError):
                size_bytes += entry.stat().st_size
                files += not entry.name.endswith(PART)
        self._kept_bytes = size_bytes
        if files >= self._limits.unread:
            raise self._full(f"{files:,} files wait to be read already")

    def _check(self, received: ReceivedFile, told_bytes: int = 0) -> None:
        """Refuse a file that is too large, or too large for the room that is left."""
        size_bytes, most = max(received.size_bytes, told_bytes), self._limits.file_bytes
        if size_bytes > most:
            raise Problem(
                413, "body-too-large", "The file is too large", f"A file may have {most:,} bytes.",
                headers={"connection": "close"}, max_bytes=most,
            )  # fmt: skip
        others = sum(one.size_bytes for one in self._receiving.values() if one is not received)
        if self._kept_bytes + others + size_bytes > self._limits.unread_bytes:
            raise self._full(
                f"files of {self._limits.unread_bytes:,} bytes may wait to be read, and it does not fit in"
            )

    async def _receive(self, content: AsyncIterator[bytes], received: ReceivedFile) -> None:
        digest = hashlib.sha256()
        with _full_disk_is_told(), received.part.open("wb") as file:
            async for piece in content:
                received.size_bytes += len(piece)
                self._check(received)
                digest.update(piece)
                await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(_to_disk, file)
        if not received.size_bytes:
            raise Problem(422, "body-invalid", "The file is empty", "Send the rows as the body of the request.")
        received.sha256 = digest.hexdigest()

    @staticmethod
    def _full(why: str) -> Problem:
        return Problem(
            507, "uploads-full", "There is no room for another file",
            f"Nothing was kept: {why}. A file goes once its rows are in the ledger: send it again when the batches "
            "that are `loading` are read, and cancel those that have a `trouble`.", headers={"connection": "close"},
        )  # fmt: skip


def told_path(path: Path) -> Path:
    """Return where what was told of a file is kept."""
    return path.with_name(f"{path.name}{TOLD}")


def _told_part(part: Path) -> Path:
    return part.with_name(f"{part.name}{TOLD}{PART}")


def _is_left(part: str) -> bool:
    """Tell whether nobody receives a part any more."""
    pid = part.partition("-")[0]
    if pid == str(os.getpid()):
        return part.removesuffix(f"{TOLD}{PART}") not in OURS and part not in OURS
    return not (pid.isdecimal() and process_exists(int(pid)))


def _unlink(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


async def _drain(content: AsyncIterator[bytes]) -> None:
    """Take in the rest of a file that is refused, if it is short and comes at once: who sends reads no answer yet."""
    size_bytes = 0
    with contextlib.suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(DRAINED_S):
            async for piece in content:
                size_bytes += len(piece)
                if size_bytes > DRAINED_BYTES:
                    break


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _folder_to_disk(folder: Path) -> None:
    """Have the names in a folder outlive the machine's power, where the system can say so."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@contextlib.contextmanager
def _full_disk_is_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise Problem(
            507, "storage-full", "The gateway's disk is full", "The file was not kept; the operator makes room.",
            headers={"connection": "close"},
        ) from error  # fmt: skip
