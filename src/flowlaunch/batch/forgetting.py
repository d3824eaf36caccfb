"""Erase one contact from a ledger's whole folder: every ledger, and what flowlaunch wrote beside them.

A file of rows is not ours to change, and a copy of an older ledger cannot be opened as it is: what still names the
contact is told, with the reason.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.ledger.shapes import Forgotten
from flowlaunch.batch.results.scrub import Contact, scrub
from flowlaunch.errors import LedgerError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Erasure", "forget_contact"]

BESIDE_A_LEDGER = ("-wal", "-shm", ".spare")
"""Endings of the files that belong to a ledger and are emptied with it."""


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """What was erased of one contact, and what is left.

    Attributes:
        ledgers: each ledger of the folder in which the contact was, with how much was erased.
        files: each file that flowlaunch wrote, with how many records or mentions were taken out.
        left: what may still name the contact, with the reason: files of rows, copies of older ledgers, archives.

    """

    ledgers: Mapping[str, Forgotten]
    files: Mapping[str, int]
    left: Mapping[str, str]

    @property
    def rows(self) -> int:
        """How many rows were erased, over all ledgers."""
        return sum(one.rows for one in self.ledgers.values())


def forget_contact(place: Path | str, key: str, *, by: str) -> Erasure:
    """Erase a contact from the ledger at `place`, the other ledgers of its folder, and the files written from them.

    Args:
        place: a ledger file.
        key: a row key or a contact.
        by: who asks, for the record.

    Raises:
        LedgerError: there is no ledger at `place`. What cannot be erased now, such as a row that is being launched,
            is no error and stands in `left`.

    """
    path = Path(place).absolute()
    left: dict[str, str] = {}
    with open_ledger(path, create=False) as ledger:
        beside = ledger.beside()
    open_to_us = [path, *(other for other, is_current in beside if is_current)]
    left |= {str(other): "a ledger of another version is not opened" for other, is_current in beside if not is_current}
    contact = _contact(open_to_us, key)
    ledgers = {str(one): done for one in open_to_us if (done := _forget(one, contact, by, left)) is not None}
    others = _others(path.parent, {path, *dict(beside)})
    return Erasure(ledgers=ledgers, files=_scrubbed(others, contact, left), left=left)


def _contact(ledgers: Iterable[Path], key: str) -> Contact:
    """Find out by which keys and contacts the ledgers know somebody."""
    keys: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()
    for place in ledgers:
        with open_ledger(place, create=False) as ledger:
            found = ledger.names_of(key)
        keys, contacts = keys | found[0], contacts | found[1]
    return Contact(key=key, keys=keys, contacts=contacts)


def _forget(place: Path, contact: Contact, by: str, left: dict[str, str]) -> Forgotten | None:
    """Erase the contact from one ledger, by the key that was given and by each of the contacts."""
    total = Forgotten(rows=0, attempts=0, results=0, events=0)
    try:
        with open_ledger(place, create=False) as ledger:
            for name in {contact.key: None, **dict.fromkeys(sorted(contact.contacts))}:
                done = ledger.forget(name, by=by)
                total = Forgotten(
                    **{each: getattr(total, each) + getattr(done, each) for each in total.__struct_fields__}
                )
    except LedgerError as error:
        left[str(place)] = error.message
    return total if total.rows or total.events else None


def _others(folder: Path, ledgers: set[Path]) -> list[Path]:
    """Return the folder's files that are no part of a ledger; folders in it are not entered."""
    parts = {ledger.with_name(ledger.name + ending) for ledger in ledgers for ending in BESIDE_A_LEDGER}
    return sorted(one for one in folder.iterdir() if one.is_file() and one not in ledgers | parts)


def _scrubbed(files: Iterable[Path], contact: Contact, left: dict[str, str]) -> dict[str, int]:
    """Take the contact out of the files that are ours; note in `left` those that may still name it."""
    found: dict[str, int] = {}
    for file in files:
        try:
            taken = scrub(file, contact)
            if taken:
                found[str(file)] = taken
            why = contact.why_left_in(file)
        except (OSError, ValueError, csv.Error, SettingsError) as error:
            left[str(file)] = f"it cannot be read or written: {error}"
            continue
        if why:
            left[str(file)] = why if taken is not None else f"{why}, and is no file of flowlaunch's"
    return found
