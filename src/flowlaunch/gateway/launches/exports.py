"""Results of a batch as a file that is gone once it is sent; so many of them at once."""

from __future__ import annotations

import asyncio
import io
import tempfile
from typing import IO, TYPE_CHECKING, Final, Literal

from flowlaunch.batch.results.export import Export
from flowlaunch.gateway.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.batch.ledger import Ledger, RowFilter

__all__ = ["Exports"]

SOON_S: Final = 10


class LentFile(io.BufferedRandom):
    """A file without a name, that gives its place back when it is closed."""

    def __init__(self, raw: io.FileIO, give_back: Callable[[], None]) -> None:
        super().__init__(raw)
        self._give_back = give_back

    def close(self) -> None:
        """Close it, once."""
        if not self.closed:
            super().close()
            self._give_back()


class Exports:
    """Writes what became of each row to the disk, because it is sent more slowly than it is read."""

    def __init__(self, ledger: Ledger, most: int) -> None:
        self._ledger, self._most, self._out = ledger, most, 0

    async def made(self, batch_id: int, to: Literal["ndjson", "csv"], where: RowFilter | None = None) -> IO[bytes]:
        """Return the results of a batch; Problem 429 when too many are being made or sent."""
        if self._out >= self._most:
            raise Problem(
                429, "exports-busy", "Too many results are asked for at once",
                f"The results of {self._most} batches are being sent already. Ask again soon.", retry_after_s=SOON_S,
            )  # fmt: skip
        raw = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed once it is sent
        self._out += 1
        file = LentFile(raw, self._give_back)
        try:
            await asyncio.to_thread(Export(ledger=self._ledger, batch_id=batch_id, where=where).write, file, to)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def _give_back(self) -> None:
        self._out -= 1
