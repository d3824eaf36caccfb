"""Copies of the ledger while it is in use: made whole, checked, then put in place under the time they were made at."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.ledger import backup
from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.gateway.ops.options import BackupOptions

__all__ = ["Backups"]

STAMP: Final = "%Y%m%dT%H%M%SZ"
SECOND_US: Final = 1_000_000


class Backups:
    """Makes copies in a folder and keeps the newest.

    Raises:
        SettingsError: the ledger is in a server, which has backups of its own, or the folder is the ledger's own:
            there a copy would be taken for a second ledger.

    """

    def __init__(self, ledger: Ledger, options: BackupOptions) -> None:
        path = ledger.store.path
        if path is None:
            raise SettingsError(
                "backups copy a ledger that is a file, and this one is in a database server",
                code="backup-place", hint="Use the server's own backup, pg_dump for instance.",
            )  # fmt: skip
        if options.folder.absolute() == path.absolute().parent:
            raise SettingsError(
                "backups would lie in the ledger's own folder, where each would be taken for another ledger",
                code="backup-place", hint="Name another folder, on another disk if there is one.",
            )  # fmt: skip
        self._ledger, self._options, self._name = ledger, options, path.name

    def next_due_us(self) -> int:
        """Return when the next copy is due; 0 when there is none yet."""
        newest = max((at for at, _file in self._copies()), default=None)
        return 0 if newest is None else round((newest.timestamp() + self._options.every_hours * 3600) * SECOND_US)

    def make(self) -> Path:
        """Make a copy, and remove those beyond the number that is kept.

        Raises:
            LedgerError: it could not be made, or it is not whole; nothing is left of it then.

        """
        now = datetime.fromtimestamp(self._ledger.store.now_us() / SECOND_US, UTC)
        folder = self._options.folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        final = folder / f"{self._name}.{now.strftime(STAMP)}"
        part = final.with_name(f"{final.name}.part")
        part.unlink(missing_ok=True)
        try:
            self._ledger.backup(part)
            part.chmod(0o600)
            backup.check(part)
            _to_disk(part)
            part.replace(final)
        finally:
            part.unlink(missing_ok=True)
        for _at, old in sorted(self._copies(), reverse=True)[self._options.keep :]:
            with contextlib.suppress(OSError):
                old.unlink()
        return final

    def _copies(self) -> list[tuple[datetime, Path]]:
        found = []
        for file in self._options.folder.glob(f"{self._name}.*Z"):
            with contextlib.suppress(ValueError):
                at = datetime.strptime(f"{file.name.removeprefix(f'{self._name}.')}+0000", f"{STAMP}%z")
                found.append((at, file))
        return found


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
