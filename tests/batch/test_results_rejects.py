"""The rejects file: what somebody has to mend, under the columns of the source."""

from __future__ import annotations

import csv
import io

from flowlaunch.batch.decisions import CellProblem, Decision, RowPlan
from flowlaunch.batch.results.rejects import Rejects


def plan(line, kind, reason, *, cells=None, raw="", problems=(), message=""):
    decision = Decision(kind=kind, reason=reason, problems=problems, message=message)
    return RowPlan(row_number=line - 1, line=line, decision=decision, cells=cells or {}, raw=raw)


def written(plans, columns):
    with Rejects() as rejects:
        for one in plans:
            rejects.add(one)
        stream = io.BytesIO()
        rejects.write(stream, columns)
    return list(csv.DictReader(io.StringIO(stream.getvalue().decode())))


def test_rejected_and_held_rows_are_kept_with_their_reasons():
    """Each line has the row as it came in and everything that is wrong with it; skipped rows are not there."""
    problems = (
        CellProblem("bad-value", 3, "age", "Flow.age", "old", "'old' is no number", "write digits"),
        CellProblem("missing-value", 3, "name", "Flow.name", "", "the name is empty"),
    )
    found = written(
        [
            plan(2, "skip", "over-limit", cells={"name": "x"}),
            plan(3, "reject", "bad-value", cells={"name": "", "age": "old"}, problems=problems),
            plan(4, "hold", "unknown-zone", cells={"name": "=1+1", "age": "3"}, message="no zone"),
        ],
        ("name", "age"),
    )
    assert [row["reject_line"] for row in found] == ["3", "4"]
    assert "'old' is no number; write digits" in found[0]["reject_message"]
    assert "the name is empty" in found[0]["reject_message"]
    assert (found[1]["name"], found[1]["reject_kind"], found[1]["reject_message"]) == ("'=1+1", "hold", "no zone")


def test_a_row_that_is_no_row_keeps_its_text():
    """A record that could not be split into cells has its text in the file."""
    found = written([plan(2, "reject", "ragged-row", raw='a,"b')], ("name", "age"))
    assert (found[0]["name"], found[0]["reject_raw"]) == ("", 'a,"b')


def test_many_rejects_do_not_stay_in_memory():
    """Rejects beyond a megabyte wait on the disk, and all of them arrive."""
    found = written((plan(n, "reject", "ragged-row", raw="x" * 500) for n in range(2, 4_002)), ("name",))
    assert len(found) == 4_000
