from __future__ import annotations

import datetime as dt
import io
import json
import sqlite3
import tempfile
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flowlaunch.batch.decisions import BadRow, InputRow
from flowlaunch.batch.rows import ReadOptions, open_rows, sheets
from flowlaunch.errors import InputError, SettingsError


def rows_of(source, **options):
    with open_rows(source, ReadOptions(**options)) as opened:
        return opened, list(opened)


def workbook(path, *sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_ndjson_keeps_types_and_lines(tmp_path):
    """NDJSON rows keep their JSON types; blank lines are counted, and bad lines are rejected by number."""
    path = tmp_path / "rows.ndjson"
    path.write_text('{"id": 1, "tags": ["a"], "at": {"city": "Köln"}}\n\n[1]\n{"id": \n{"id": 2}\n', encoding="utf-8")
    source, rows = rows_of(path)
    assert source.columns == ("id", "tags", "at")
    assert rows[0] == InputRow(1, {"id": 1, "tags": ["a"], "at": {"city": "Köln"}})
    assert [(row.line, row.reason) for row in rows if isinstance(row, BadRow)] == [
        (3, "not-an-object"),
        (4, "not-json"),
    ]
    assert rows[-1] == InputRow(5, {"id": 2})
    assert source.blank_rows == 1


def test_pretty_printed_objects_are_named(tmp_path):
    """Objects over several lines are refused with the command that mends them."""
    path = tmp_path / "rows.ndjson"
    path.write_text('{\n  "id": 1\n}\n', encoding="utf-8")
    with pytest.raises(InputError, match="several lines") as caught:
        rows_of(path)
    assert "jq -c" in caught.value.hint


def test_json_array_is_streamed():
    """An array of objects is read element by element, over block borders, with the line of each."""
    records = [{"id": number, "text": "x" * (number % 70), "deep": [{"a": 1}]} for number in range(20_000)]
    text = json.dumps(records, indent=1)
    source, rows = rows_of("-", stdin=io.BytesIO(text.encode()))
    assert source.format.format == "json"
    assert [row.cells for row in rows] == records
    assert text.splitlines()[rows[-1].line - 1].strip() == "}"


def test_json_array_elements_of_other_kinds(tmp_path):
    """Elements that are no objects are rejected one by one; a break in the JSON stops with its line."""
    path = tmp_path / "rows.json"
    path.write_text('[{"a": 1}, 7, "x",\n{"a": 2}]', encoding="utf-8")
    _source, rows = rows_of(path)
    assert [getattr(row, "reason", "") for row in rows] == ["", "not-an-object", "not-an-object", ""]
    path.write_text('[{"a": 1},\n{"a": }]', encoding="utf-8")
    with pytest.raises(InputError, match="line 2"):
        rows_of(path)
    path.write_text('[{"a": 1},\n{"a": 2}', encoding="utf-8")
    with pytest.raises(InputError, match="not closed"):
        rows_of(path)


def test_workbook_cells_become_careful_text(tmp_path):
    """Numbers lose no and gain no digits, dates become ISO 8601, truth becomes true: what a person would write."""
    path = workbook(
        tmp_path / "rows.xlsx",
        (
            "People",
            [
                ["id", "amount", "day", "at", "ok", "text", "span"],
                [
                    4711.0,
                    0.1 + 0.2,
                    dt.date(2026, 1, 2),
                    dt.datetime(2026, 1, 2, 9, 30),  # noqa: DTZ001 - a workbook has no zones
                    True,
                    "02139",
                    dt.timedelta(hours=26, minutes=5),
                ],
                [7, 1.5, None, None, False, "#N/A", None],
            ],
        ),
    )
    source, rows = rows_of(path)
    assert list(rows[0].cells.values()) == [
        *("4711", "0.3", "2026-01-02", "2026-01-02T09:30:00", "true", "02139"),
        "26:05:00",
    ]
    assert list(rows[1].cells.values()) == ["7", "1.5", "", "", "false", "#N/A", ""]
    assert [row.line for row in rows] == [2, 3]
    assert str(source.format) == "XLSX, sheet People"
    assert "cell-error" in [one.reason for one in source.warnings()]


def test_number_formats_of_zeros_are_kept(tmp_path):
    """A number shown as 02139 by its format is read as 02139, and one beyond 15 digits is warned about."""
    book = openpyxl.Workbook()
    book.active.append(["zip", "card"])
    book.active.append([2139, 4111111111111111])
    book.active["A2"].number_format = "00000"
    book.save(tmp_path / "rows.xlsx")
    source, rows = rows_of(tmp_path / "rows.xlsx")
    assert rows[0].cells == {"zip": "02139", "card": "4111111111111111"}
    assert [(one.reason, one.line) for one in source.warnings()] == [("digits-lost", 2)]


def test_sheets_are_chosen_by_name(tmp_path):
    """The first sheet is read with a warning that others exist; another by name; an unknown one lists them."""
    path = workbook(tmp_path / "b.xlsx", ("One", [["a"], ["1"]]), ("Two", [["b"], [], ["2"], [], []]))
    source, rows = rows_of(path)
    assert rows == [InputRow(2, {"a": "1"})]
    assert [one.reason for one in source.warnings()] == ["several-sheets"]
    source, rows = rows_of(path, sheet="Two")
    assert rows == [InputRow(3, {"b": "2"})]
    with pytest.raises(InputError, match="Three") as caught:
        rows_of(path, sheet="Three")
    assert "One, Two" in caught.value.hint


def test_wide_and_short_sheet_rows(tmp_path):
    """A short row of a sheet is filled up with empty cells; one with cells beyond the header is rejected."""
    path = workbook(tmp_path / "b.xlsx", ("S", [["a", "b"], ["1"], ["1", "2", "3"]]))
    _source, rows = rows_of(path)
    assert rows[0].cells == {"a": "1", "b": ""}
    assert (rows[1].line, rows[1].reason) == (3, "ragged-row")


def test_broken_workbook_is_named(tmp_path):
    """A file that only begins like a workbook is refused with what to do."""
    path = tmp_path / "rows.xlsx"
    path.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(InputError, match="no readable XLSX"):
        rows_of(path)


def repacked(path, name, content):
    """Write a workbook's archive anew with another content of one part."""
    with zipfile.ZipFile(path) as archive:
        parts = {one.filename: archive.read(one) for one in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for part, held in {**parts, name: content}.items():
            archive.writestr(part, held)
    return path


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"])
def test_a_workbook_that_unpacks_to_a_flood_is_refused(tmp_path, part):
    """A part that unpacks to hundreds of times its size is refused by name before it is unpacked."""
    path = workbook(tmp_path / "bomb.xlsx", ("S", [["a"], ["text"]]))
    repacked(path, part, b" " * (sheets._SUSPICIOUS_BYTES + 1))

    with pytest.raises(InputError, match=part) as caught:
        rows_of(path)

    assert "save the sheet as CSV" in caught.value.hint


def test_a_workbook_that_lies_about_its_size_is_unreadable(tmp_path):
    """An archive whose parts are larger than it states is an error, not a flood."""
    path = workbook(tmp_path / "liar.xlsx", ("S", [["a"], *([f"text {n}"] for n in range(2_000))]))
    packed = bytearray(path.read_bytes())
    for place, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = packed.rfind(place, 0, packed.find(b"xl/worksheets/sheet1.xml", packed.find(place)) + 1)
        packed[at + offset : at + offset + 4] = (10).to_bytes(4, "little")
    path.write_bytes(packed)

    with pytest.raises(InputError, match=r"broken|no readable"):
        rows_of(path)


def test_a_sheet_that_breaks_off_names_its_row(tmp_path):
    """Rows before the damage are read; then an error says after which row the sheet is broken."""
    path = workbook(tmp_path / "broken.xlsx", ("S", [["a"], ["1"], ["2"]]))
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    repacked(path, "xl/worksheets/sheet1.xml", sheet[: sheet.index(b'<row r="3"')])

    with pytest.raises(InputError, match="broken after row 2"):
        rows_of(path)


def test_workbook_from_standard_input(tmp_path):
    """A workbook is recognised on standard input, and hashed as the bytes that came."""
    path = workbook(tmp_path / "b.xlsx", ("S", [["a"], ["1"]]))
    source, rows = rows_of("-", stdin=io.BytesIO(path.read_bytes()))
    assert rows == [InputRow(2, {"a": "1"})]
    assert source.sha256() == open_rows_hash(path)


def test_what_standard_input_was_copied_to_is_gone_with_the_source(tmp_path, monkeypatch):
    """A workbook from standard input is read from a temporary file, which is closed with the source."""
    made, make = [], tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: made.append(make()) or made[-1])
    path = workbook(tmp_path / "b.xlsx", ("S", [["a"], ["1"]]))
    rows_of("-", stdin=io.BytesIO(path.read_bytes()))
    assert [file.closed for file in made] == [True]


def open_rows_hash(path):
    with open_rows(path) as source:
        return source.sha256()


def test_parquet_by_pieces(tmp_path):
    """Parquet rows keep plain types; instants, decimals and days become text that JSON holds."""
    from decimal import Decimal

    table = pa.table(
        {
            "id": pa.array(["02139", "7"]),
            "n": pa.array([1, None]),
            "at": pa.array([dt.datetime(2026, 1, 2, tzinfo=dt.UTC)] * 2),
            "price": pa.array([Decimal("1.50"), Decimal("2.00")]),
            "tags": pa.array([["a", "b"], []]),
        }
    )
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path, row_group_size=1)
    source, rows = rows_of(path)
    assert rows[0] == InputRow(
        1, {"id": "02139", "n": 1, "at": "2026-01-02T00:00:00Z", "price": "1.50", "tags": ["a", "b"]}
    )
    assert rows[1].cells["n"] is None
    assert "2 row groups" in str(source.format)
    assert source.sha256() == open_rows_hash(path)


def test_broken_parquet_is_named(tmp_path):
    """A file that only begins like Parquet is refused by name."""
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="no readable Parquet"):
        rows_of(path)


@pytest.fixture
def people_url(tmp_path):
    path = tmp_path / "people.db"
    connection = sqlite3.connect(path)
    connection.execute("create table people (phone text, age integer)")
    connection.executemany("insert into people values (?, ?)", [("+4930123456", 41), ("0301", None)])
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def test_query_rows_are_streamed(people_url):
    """The records of a query are rows with their own types, hashed in order."""
    source, rows = rows_of(people_url, query="select phone, age from people order by rowid")
    assert rows == [InputRow(1, {"phone": "+4930123456", "age": 41}), InputRow(2, {"phone": "0301", "age": None})]
    again, _rows = rows_of(people_url, query="select phone, age from people order by rowid")
    other, _rows = rows_of(people_url, query="select phone, age from people order by rowid desc")
    assert source.sha256() == again.sha256() != other.sha256()


def test_query_errors_are_ours(people_url):
    """A missing query, a wrong one and an unknown database are errors with a cure, without a password."""
    with pytest.raises(InputError, match="no query"):
        rows_of(people_url)
    with pytest.raises(InputError, match="no such table"):
        rows_of(people_url, query="select * from nobody")
    with pytest.raises(SettingsError) as caught:
        rows_of("nodb://me:secret@host/x", query="select 1")
    assert "secret" not in str(caught.value)
