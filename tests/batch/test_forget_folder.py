"""Forgetting somebody in a whole folder: judged by the bytes of every file in it."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import pytest
from results_world import small_batch

from flowlaunch.batch.forgetting import forget_contact
from flowlaunch.batch.ledger import RowFilter, open_ledger
from flowlaunch.batch.report.page import report_of
from flowlaunch.batch.results.export import Export
from flowlaunch.batch.results.rejects import DECISION_COLUMNS, Rejects
from flowlaunch.batch.results.source import source_again
from flowlaunch.batch.results.summary import summarise

KEY = "customer-4711"
PHONE = "+4930123456"
NAME = "Rosalind Quaversmith"
PEOPLE = f"""id,name,phone
{KEY},{NAME},030 123456
customer-8,Grace,+4930123457
customer-9,Ken,nonsense
customer-10,Linus
customer-11,Ada,+4930123459
"""


def write(path, export, file_format):
    with path.open("wb") as stream:
        export.write(stream, file_format)


@pytest.fixture
def folder(tmp_path):
    """A folder with a batch, all that flowlaunch writes from it, a backup, a second ledger, and files of others."""
    source, place = small_batch(tmp_path, PEOPLE, contacts={KEY: PHONE})
    with open_ledger(place) as ledger:
        again = source_again(ledger.batch(1).spec)
        joined = Export(ledger=ledger, batch_id=1, open_source=again.rows, columns=again.columns)
        write(tmp_path / "out.csv", joined, "csv")
        write(tmp_path / "out.parquet", joined, "parquet")
        write(tmp_path / "out.ndjson", joined, "ndjson")
        ledger.add_event(1, "note", text=f"call {PHONE} back")
        now = datetime.now(UTC)
        (tmp_path / "page.html").write_text(report_of(ledger, 1, now=now, zone=UTC), encoding="utf-8")
        summarise(ledger, 1, now=now).write(tmp_path / "summary.json")
        ledger.backup(tmp_path / "backup.ledger")
    events = [{"kind": "in-doubt", "at": "2026-11-01T10:00:00Z", "message": f"row 1 ({KEY})"},
              {"kind": "progress", "at": "2026-11-01T10:00:01Z", "message": "5 rows"}]  # fmt: skip
    (tmp_path / "run.log").write_text("".join(json.dumps(one) + "\n" for one in events), encoding="utf-8")
    with Rejects() as rejects, (tmp_path / "mend.csv").open("wb") as stream:
        rejects.write(stream, ["id", "name"])
    (tmp_path / "decisions.csv").write_text(
        f"{','.join(DECISION_COLUMNS)}\n1,2,{KEY},launch,ready,,\n2,3,customer-8,launch,ready,,\n", encoding="utf-8"
    )
    shutil.copy(tmp_path / "out.csv", tmp_path / "out copy.csv")
    other = tmp_path / "elsewhere"
    other.mkdir()
    _, moved = small_batch(other, PEOPLE, contacts={KEY: "+4930123456"})
    moved.rename(tmp_path / "second.ledger")
    shutil.rmtree(other)
    source.rename(tmp_path / "people.csv")
    return tmp_path


def naming(folder):
    """The files that hold a byte of the contact."""
    secrets = [text.encode() for text in (KEY, PHONE, NAME, "Quaversmith", "030 123456")]
    return {one.name for one in folder.iterdir() if any(secret in one.read_bytes() for secret in secrets)}


def test_no_file_that_we_wrote_names_a_forgotten_contact(folder):
    """Ledgers, backups, exports, reports and logs lose every byte of the contact; the file of rows is named as left."""
    before = naming(folder)
    assert {"people.csv.ledger", "second.ledger", "backup.ledger", "out.csv", "out copy.csv", "out.ndjson", "page.html",
            "decisions.csv", "run.log", "people.csv"} <= before  # fmt: skip

    done = forget_contact(folder / "people.csv.ledger", KEY, by="ada")

    assert naming(folder) == {"people.csv"}
    assert list(done.left) == [str(folder / "people.csv")]
    assert done.left[str(folder / "people.csv")] == "it names the contact, and is no file of flowlaunch's"
    assert {path.rpartition("/")[2] for path in done.ledgers} == {"people.csv.ledger", "second.ledger", "backup.ledger"}
    assert done.rows == 3


def test_everybody_else_stays(folder):
    """Records of others are as they were, in the exports as in the ledgers."""
    others = [line for line in (folder / "out.csv").read_text("utf-8").splitlines() if KEY not in line]

    forget_contact(folder / "people.csv.ledger", KEY, by="ada")

    assert (folder / "out.csv").read_text("utf-8").splitlines() == others
    assert len((folder / "out.ndjson").read_text("utf-8").splitlines()) == len(others) - 1
    assert [json.loads(line)["kind"] for line in (folder / "run.log").read_text("utf-8").splitlines()] == ["progress"]
    with open_ledger(folder / "second.ledger") as ledger:
        assert next(ledger.rows(1, RowFilter(numbers=(2,)))).key == "customer-8"
    import pyarrow.parquet as pq

    assert pq.read_table(folder / "out.parquet").column("batch_key").to_pylist()[0] == "customer-8"


def test_a_contact_is_forgotten_by_number_too(folder):
    """A number in another spelling finds the records of an export; the row key is not needed."""
    forget_contact(folder / "people.csv.ledger", PHONE, by="ada")

    assert naming(folder) == {"people.csv"}


def test_a_file_that_cannot_be_read_through_is_told(folder):
    """An export with a cell beyond what CSV readers take is left as it is, and told."""
    head = (folder / "out.csv").read_text("utf-8").splitlines()[0]
    (folder / "huge.csv").write_text(f"{head}\n{'x' * 200_000}\n", encoding="utf-8")

    done = forget_contact(folder / "people.csv.ledger", KEY, by="ada")

    assert "cannot be read" in done.left[str(folder / "huge.csv")]
    assert (folder / "huge.csv").stat().st_size > 200_000


def test_what_cannot_be_opened_is_told(folder):
    """A workbook is not looked into, and says so; an unknown key erases nothing."""
    (folder / "people.xlsx").write_bytes(b"PK\x03\x04 packed")

    done = forget_contact(folder / "people.csv.ledger", "nobody-at-all", by="ada")

    assert (done.ledgers, done.files) == ({}, {})
    assert done.left == {
        str(folder / "people.xlsx"): "a workbook or archive is not looked into, and is no file of flowlaunch's"
    }


def test_a_short_key_takes_no_other_record_along(tmp_path):
    """Key 7 is the row with that key, not every cell that holds a 7."""
    _, place = small_batch(tmp_path, "id,name,phone\n7,Ada,7\n8,Grace,7\n9,Ken,7\n")
    with open_ledger(place) as ledger:
        again = source_again(ledger.batch(1).spec)
        write(tmp_path / "out.csv", Export(ledger=ledger, batch_id=1, open_source=again.rows, columns=again.columns),
              "csv")  # fmt: skip

    forget_contact(place, "7", by="ada")

    kept = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert [line.partition(",")[0] for line in kept] == ["id", "8", "9"]
