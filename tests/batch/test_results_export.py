"""Exports: the rows as they came in, joined to what became of them."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from results_world import PEOPLE, small_batch

from flowlaunch.batch.ledger import RowFilter, open_ledger
from flowlaunch.batch.results.csv_cells import cell_for_csv
from flowlaunch.batch.results.export import MENDABLE_STATES, Export, format_of, whole_file
from flowlaunch.batch.results.source import source_again
from flowlaunch.batch.states import RowState
from flowlaunch.errors import LedgerMismatchError, SettingsError


def exported(folder, file_format, *, where=None, with_source=True, text=PEOPLE):
    _, place = small_batch(folder, text)
    stream = io.BytesIO()
    with open_ledger(place) as ledger:
        again = source_again(ledger.batch(1).spec) if with_source else None
        columns = again.columns if again else ()
        opened = again.rows if again else None
        rows = Export(ledger=ledger, batch_id=1, where=where, open_source=opened, columns=columns).write(
            stream, file_format
        )
    return rows, stream.getvalue()


def csv_rows(found):
    return list(csv.DictReader(io.StringIO(found.decode())))


def test_every_row_of_the_source_is_exported_with_its_outcome(tmp_path):
    """A CSV export has one line per row of the source, in order, with its own columns first and ours after them."""
    count, found = exported(tmp_path, "csv")
    rows = csv_rows(found)
    assert count == len(rows) == 5
    assert list(rows[0])[:4] == ["id", "name", "phone", "batch_row"]
    assert [row["batch_state"] for row in rows] == ["completed", "failed", "held", "rejected", "in_doubt"]
    assert [row["batch_line"] for row in rows] == ["2", "3", "4", "5", "6"]
    assert (rows[0]["name"], rows[0]["batch_execution_id"], rows[0]["batch_duration_s"]) == ("Ada", "e-1", "2.5")
    assert rows[1]["batch_error_message"] == "it <b>broke</b>"


def test_no_cell_of_a_csv_export_is_run_by_a_spreadsheet(tmp_path):
    """Inputs and outputs that begin like a formula get an apostrophe; phone numbers and numbers stay."""
    rows = csv_rows(exported(tmp_path, "csv")[1])
    assert rows[1]["name"] == "'=1+1"
    assert rows[0]["output.Flow.team"] == "'-2+3"
    assert rows[0]["output.Flow.score"] == "4.5"
    assert rows[0]["phone"] == "+4930123456"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("=cmd", "'=cmd"), ("@x", "'@x"), ("+1 (2)", "'+1 (2)"), ("-1+1", "'-1+1"), ("\t=1", "'\t=1"),
        ("\uff1d1", "'\uff1d1"),
        ("\n=1", "'\n=1"), ("-5,25", "-5,25"), ("+4930123456", "+4930123456"), ("plain", "plain"), (None, ""),
        (True, "true"), ({"a": 1}, '{"a":1}'),
    ],
)  # fmt: skip
def test_cells_are_safe_and_otherwise_unchanged(text, wanted):
    """Only text that a spreadsheet would run is changed."""
    assert cell_for_csv(text) == wanted


def test_a_row_that_could_not_be_read_keeps_its_text(tmp_path):
    """A ragged row has no cells; its raw text is in a column of its own."""
    row = csv_rows(exported(tmp_path, "csv")[1])[3]
    assert (row["id"], row["batch_reason"], row["batch_raw"]) == ("", "ragged-row", "10,Linus")


def test_ndjson_holds_every_value_as_it_is(tmp_path):
    """NDJSON keeps inputs apart from results and outputs, with their types, and changes no text."""
    rows = [json.loads(line) for line in exported(tmp_path, "ndjson")[1].splitlines()]
    assert rows[1]["input"]["name"] == "=1+1"
    assert rows[0]["output"] == {"Flow.team": "-2+3", "Flow.score": 4.5}
    assert rows[0]["result"]["attempts"] == 1
    assert datetime.fromisoformat(rows[0]["result"]["sent_at"]).tzinfo is not None
    assert rows[3]["input"] is None


def test_parquet_has_typed_results(tmp_path):
    """Parquet keeps numbers and instants of ours as such, and cells as text."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra parquet is not installed")
    table = parquet.read_table(io.BytesIO(exported(tmp_path, "parquet")[1]))
    assert str(table.schema.field("batch_sent_at").type) == "timestamp[us, tz=UTC]"
    assert table.column("batch_row").to_pylist() == [1, 2, 3, 4, 5]
    assert table.column("name").to_pylist() == ["Ada", "=1+1", "Grace", None, "Ken"]
    assert table.column("output.Flow.score").to_pylist()[0] == "4.5"


def test_only_the_rows_asked_for_are_exported(tmp_path):
    """A filter by state leaves the others out and still finds each row's own cells."""
    count, found = exported(tmp_path, "csv", where=RowFilter(states=MENDABLE_STATES))
    assert count == 2
    assert [row["name"] or row["batch_raw"] for row in csv_rows(found)] == ["Grace", "10,Linus"]


def test_without_the_source_inputs_come_from_the_ledger(tmp_path):
    """An export of a batch whose file is gone has the input data that the ledger kept."""
    rows = csv_rows(exported(tmp_path, "csv", with_source=False)[1])
    assert rows[0]["Flow.name"] == "Ada"
    assert rows[3]["batch_state"] == "rejected"


def test_a_column_of_the_source_is_never_overwritten(tmp_path):
    """A source that has a column named like one of ours keeps it; ours gets a number."""
    text = "id,name,phone,batch_state\n7,Ada,+4930123456,mine\n8,Bob,+4930123457,mine\n9,Eve,+4930123458,mine\n"
    rows = csv_rows(exported(tmp_path, "csv", text=text)[1])
    assert (rows[0]["batch_state"], rows[0]["batch_state_2"]) == ("mine", "completed")


def test_a_file_that_changed_is_not_joined(tmp_path):
    """When the file of rows is not what it was, its rows are not those of the batch, and the export says so."""
    source, place = small_batch(tmp_path)
    source.write_text(PEOPLE.replace("Ada", "Eve"), encoding="utf-8")
    with open_ledger(place) as ledger, pytest.raises(LedgerMismatchError, match="has changed since") as told:
        source_again(ledger.batch(1).spec)
    assert "--no-source" in told.value.hint


def test_a_file_that_is_gone_is_no_error(tmp_path):
    """Without its file a batch has no source, and one that was moved is found again."""
    source, place = small_batch(tmp_path)
    moved = source.rename(tmp_path / "moved.csv")
    with open_ledger(place) as ledger:
        assert source_again(ledger.batch(1).spec) is None
        again = source_again(ledger.batch(1).spec, moved_to=moved)
    assert again is not None
    assert again.columns == ("id", "name", "phone")


def test_the_name_of_a_file_tells_its_format(tmp_path):
    """CSV, NDJSON and Parquet are told by the file's name, and another name is refused with a cure."""
    assert [format_of(tmp_path / name) for name in ("a.csv", "a.JSONL", "a.parquet")] == ["csv", "ndjson", "parquet"]
    with pytest.raises(SettingsError, match="does not tell the format"):
        format_of(tmp_path / "a.doc")


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    """An export that fails half-way leaves the file of before as it was, and nothing beside it."""
    file = tmp_path / "results.csv"
    file.write_bytes(b"before")

    def write():
        with whole_file(file) as stream:
            stream.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_filter_by_state_reads_the_ledger_only_for_those_rows(tmp_path):
    """The rows exported for a state are those that the ledger counts for it."""
    _, place = small_batch(tmp_path)
    with open_ledger(place) as ledger:
        counts = {count.state: count.rows for count in ledger.counts(1)}
        for state in (RowState.COMPLETED, RowState.IN_DOUBT):
            rows = list(Export(ledger=ledger, batch_id=1, where=RowFilter(states=(state,))).rows())
            assert len(rows) == counts[state]
            assert all(row.record.state is state for row in rows)


def test_instants_are_in_utc(tmp_path):
    """Times in a CSV export name their zone."""
    sent_at = csv_rows(exported(tmp_path, "csv")[1])[0]["batch_sent_at"]
    assert datetime.fromisoformat(sent_at).astimezone(UTC).isoformat(timespec="milliseconds") == sent_at
