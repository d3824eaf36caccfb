"""The source of a batch, opened once more to join its rows to what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.batch.rows import ReadOptions, file_sha256, open_rows
from flowlaunch.errors import LedgerMismatchError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.batch.decisions import BadRow, InputRow
    from flowlaunch.batch.ledger.shapes import BatchSpec

__all__ = ["SourceAgain", "source_again"]

_OPEN_ENDED: Final = frozenset({"ndjson", "json"})
"""Formats whose records need not all have the same names."""


@dataclass(frozen=True, slots=True)
class SourceAgain:
    """A file of rows that is as it was when the batch was made.

    Attributes:
        columns: its columns in order; empty when its records may differ in their names.

    """

    path: Path
    options: ReadOptions
    columns: tuple[str, ...] = field(default=())

    def rows(self) -> Iterator[InputRow | BadRow]:
        """Read it from its first row on."""
        with open_rows(self.path, self.options) as source:
            yield from source


def source_again(spec: BatchSpec, *, moved_to: Path | None = None) -> SourceAgain | None:
    """Find the file that a batch was made of; None when it is gone, or was no file.

    Raises:
        LedgerMismatchError: it has changed since, so its rows are not the rows of the batch any more.

    """
    path = moved_to or Path(spec.source)
    if spec.source == "-" or not path.is_file():
        return None
    if spec.source_sha256 and file_sha256(path) != spec.source_sha256:
        raise LedgerMismatchError(
            f"join {path} to the batch: the file has changed since the batch was made",
            changed=("source",),
            hint="Name the file as it was (--source FILE), or take the inputs from the ledger (--no-source).",
        )
    options = _options(spec.settings)
    with open_rows(path, options) as source:
        columns = () if source.format.format in _OPEN_ENDED else source.columns
    return SourceAgain(path, options, columns)


def _options(settings: dict[str, Any]) -> ReadOptions:
    """Read the way the source was read the first time, without looking for damage again."""
    told = settings.get("read") or {}
    return msgspec.structs.replace(ReadOptions(**_kept(told)), detect_damage=False)


def _kept(told: dict[str, Any]) -> dict[str, Any]:
    """Leave out what this version does not know; lists of JSON become tuples."""
    known = {name: value for name, value in told.items() if name in ReadOptions.__struct_fields__ and name != "stdin"}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
