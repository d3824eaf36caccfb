"""The rows of a batch joined to the rows of its source, in order and one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.batch.decisions import InputRow
from flowlaunch.batch.ledger.shapes import RowRecord  # noqa: TC001 - msgspec reads the annotation at run time
from flowlaunch.batch.results.summary import instant
from flowlaunch.batch.results.tally import duration_us_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flowlaunch.batch.decisions import BadRow

__all__ = ["JoinedRow", "joined_rows", "result_of"]


class JoinedRow(msgspec.Struct, frozen=True, gc=False):
    """One row as it came in and what became of it.

    `cells` is None for a row that could not be read; `raw` is then the start of its text.
    """

    record: RowRecord
    cells: dict[str, Any] | None
    raw: str = ""

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs of the row's execution, as archived."""
        return _object(self.record.outputs)


def joined_rows(
    records: Iterable[RowRecord], source_rows: Iterable[InputRow | BadRow] | None = None
) -> Iterator[JoinedRow]:
    """Yield each recorded row with its cells; records and source must be in row order.

    Without a source the cells are the input data that the ledger kept, if it kept any.
    """
    if source_rows is None:
        yield from (JoinedRow(record, _object(record.payload) or None) for record in records)
        return
    numbered = enumerate(source_rows, start=1)
    for record in records:
        found = next((row for number, row in numbered if number == record.number), None)
        if isinstance(found, InputRow):
            yield JoinedRow(record, dict(found.cells))
        else:
            yield JoinedRow(record, None, found.raw if found is not None else "")


def result_of(record: RowRecord) -> Mapping[str, Any]:
    """Tell what became of a row: the columns that an export adds, in their order."""
    duration_us = duration_us_of(record)
    return {
        "row": record.number,
        "line": record.line,
        "key": record.key,
        "state": record.state.value,
        "reason": record.reason or None,
        "message": record.message or None,
        "attempts": record.attempts,
        "sent_at": _instant(record.intent_us),
        "execution_id": record.execution_id,
        "execution_name": record.name,
        "execution_status": record.status or None,
        "completion_reason": record.completion_reason or None,
        "error_code": record.result_error_code or record.error_code or None,
        "error_message": record.result_error_message or None,
        "http_status": record.http_status,
        "correlation_id": record.correlation_id or None,
        "launched_at": _instant(record.launched_us),
        "ended_at": _instant(record.result_ended_us),
        "duration_s": None if duration_us is None else round(duration_us / 1e6, 3),
    }


def _instant(at_us: int | None) -> Any:
    return None if at_us is None else instant(at_us)


def _object(encoded: bytes | None) -> dict[str, Any]:
    """Decode an archived object; a hash or anything else that is no object counts as nothing."""
    if not encoded:
        return {}
    try:
        value = msgspec.json.decode(encoded)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return value if isinstance(value, dict) else {}
