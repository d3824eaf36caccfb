"""The key of hashed contacts of a ledger in a server: with the settings of each user who needs it.

The ledger holds a proof of the key, by which a machine that has another one is told so instead of matching nobody.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import platformdirs
from sqlalchemy import insert, select

from flowlaunch.batch.ledger.faults import CONFLICT
from flowlaunch.batch.ledger.keyed_hash import read_key, write_key
from flowlaunch.batch.ledger.schema import facts
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from flowlaunch.batch.ledger.store import Store

__all__ = ["ServerKey"]

PROOF: Final = "key_proof"
LOOK_AGAIN_S: Final = 5.0


class ServerKey:
    """The key of one ledger, in the file `ledger-<id>.key` of the user's settings."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._none_until_s = float("-inf")

    def find(self) -> bytes | None:
        """Return the key if the ledger has hashed contacts; asks the server every few seconds at most."""
        if time.monotonic() < self._none_until_s:
            return None
        path, proof = self._known()
        if proof is None:
            self._none_until_s = time.monotonic() + LOOK_AGAIN_S
            return None
        return self._checked(path, read_key(path), proof)

    def make(self) -> bytes:
        """Return the key, making it and leaving its proof in the ledger when nothing was hashed yet."""
        path, proof = self._known()
        key = read_key(path)
        if proof is not None:
            return self._checked(path, key, proof)
        path.parent.mkdir(parents=True, exist_ok=True)
        key = key or write_key(path)
        try:
            with self._store.write("leave the proof of a key") as connection:
                connection.execute(insert(facts).values(name=PROOF, value=_proof(key)))
        except LedgerError as error:
            if error.code != CONFLICT:
                raise
            return self.make()  # another process was first
        return key

    def need(self) -> bytes:
        """Return the key that the ledger has a proof of, asking the server now."""
        path, proof = self._known()
        return self._checked(path, read_key(path), proof or "")

    def adopt(self, key: bytes) -> None:
        """Keep the key of a ledger that came from elsewhere, and leave its proof."""
        path, proof = self._known()
        if read_key(path) is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_key(path, key)
        if proof is None:
            self.make()
        else:
            self._checked(path, read_key(path), proof)

    def _known(self) -> tuple[Path, str | None]:
        with self._store.read("look for the key of hashed contacts") as connection:
            found = {one.name: one.value for one in connection.execute(select(facts.c.name, facts.c.value))}
        folder = Path(platformdirs.user_config_dir("flowlaunch", appauthor=False))
        return folder / f"ledger-{found['ledger_id']}.key", found.get(PROOF)

    def _checked(self, path: Path, key: bytes | None, proof: str) -> bytes:
        if key is not None and _proof(key) == proof:
            return key
        what = "is not on this machine" if key is None else "is another one than that of this machine"
        raise LedgerError(
            f"match contacts in {self._store.place}: the key they were hashed with {what}",
            code="ledger-key",
            hint=f"Copy {path} from the machine that loaded the rows, for this user alone to read.",
        )


def _proof(key: bytes) -> str:
    return hashlib.blake2b(b"proof", key=key, digest_size=20).hexdigest()
