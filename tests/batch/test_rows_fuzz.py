from __future__ import annotations

import csv
import io

from hypothesis import given, settings, strategies as st

from flowlaunch.batch.decisions import REASONS, InputRow
from flowlaunch.batch.rows import ReadOptions, open_rows
from flowlaunch.errors import InputError

HOSTILE = st.one_of(
    st.binary(max_size=400),
    st.text(alphabet="a1,;\t|\"'\r\n\\\0 é{}[]:.", max_size=200).map(lambda text: text.encode("utf-8")),
    st.text(max_size=80).map(lambda text: ("a,b\n" + text).encode("utf-16", "surrogatepass")),
)
CELLS = st.text(alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), max_size=8)


@settings(max_examples=400, deadline=None)
@given(HOSTILE, st.sampled_from([None, "csv", "ndjson", "json"]))
def test_any_bytes_are_rows_or_a_named_error(content, form):
    """Whatever the bytes, reading ends in rows, in bad rows with a documented reason, or in an error of ours."""
    try:
        source = open_rows("-", ReadOptions(stdin=io.BytesIO(content), format=form))
        rows = list(source)
    except InputError as refused:
        told = refused.hint
    else:
        told = str(source.format)
        assert all(row.line >= 1 for row in rows)
        assert {row.reason for row in rows if not isinstance(row, InputRow)} <= set(REASONS)
        assert len(source.sha256()) == 64
        assert all(warning.message for warning in source.warnings())
    assert told


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=30),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_is_written_is_read(records, separator, newline, encoding):
    """A table written with any separator, line end and encoding is read back cell by cell, blank records aside."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerows([("one", "two", "three"), *records])
    options = ReadOptions(stdin=io.BytesIO(out.getvalue().encode(encoding)), format="csv", separator=separator)
    with open_rows("-", options) as source:
        rows = [tuple(row.cells.values()) for row in source]
    assert rows == [record for record in records if "".join(record).strip()]
    assert len(rows) + source.blank_rows == len(records)
