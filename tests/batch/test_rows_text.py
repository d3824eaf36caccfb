from __future__ import annotations

import io
import tracemalloc

import pytest

from flowlaunch.batch.decisions import REASONS, BadRow, InputRow
from flowlaunch.batch.rows import ReadOptions, file_sha256, open_rows
from flowlaunch.errors import InputError


def read(path, content, **options):
    path = path / "rows.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_rows(path, ReadOptions(**options)) as source:
        return source, list(source)


def test_cells_stay_text(tmp_path):
    """A number, a date and a leading zero come out of a CSV file as the text that they are."""
    _source, rows = read(tmp_path, "zip,amount,day\n02139,1.50,2026-01-02\n")
    assert rows == [InputRow(2, {"zip": "02139", "amount": "1.50", "day": "2026-01-02"})]


@pytest.mark.parametrize(
    ("separator", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")], ids=repr
)
def test_separator_is_found_and_shown(tmp_path, separator, name):
    """The separator of a file is found by its evenness, even when cells hold the other ones, and is shown."""
    lines = [separator.join(("id", "text", "note")), *(separator.join((str(n), '"a, b; c"', "x")) for n in range(9))]
    source, rows = read(tmp_path, "\n".join(lines) + "\n")
    assert source.format.separator == separator
    assert f"separator {name}" in str(source.format)
    assert rows[0].cells == {"id": "0", "text": "a, b; c", "note": "x"}


def test_decimal_commas_do_not_win(tmp_path):
    """A semicolon file whose numbers have decimal commas is cut at the semicolons."""
    source, rows = read(tmp_path, "id;price;weight\n1;2,50;3,10\n2;4,00;1,25\n")
    assert source.format.separator == ";"
    assert rows[1].cells["price"] == "4,00"


def test_spreadsheet_hint_is_obeyed(tmp_path):
    """A first line sep=; is taken as the hint that it is, and lines keep their numbers."""
    source, rows = read(tmp_path, "sep=;\r\na;b\r\n1,5;2\r\n")
    assert source.columns == ("a", "b")
    assert rows == [InputRow(3, {"a": "1,5", "b": "2"})]


def test_single_quotes_are_found(tmp_path):
    """A file that quotes with ' is read so."""
    content = "a,b\n" + "'x, y',1\n" * 4
    source, rows = read(tmp_path, content)
    assert source.format.quote == "'"
    assert rows[0].cells == {"a": "x, y", "b": "1"}


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8 with a byte order mark"),
        ("utf-16", "utf-16 with a byte order mark"),
        ("utf-32", "utf-32 with a byte order mark"),
        ("utf-16-le", "utf-16-le"),
        ("cp1252", "cp1252"),
    ],
)
def test_encoding_is_found_and_shown(tmp_path, encoding, shown):
    """Marked, unmarked and old encodings are found, and the format says which one it was."""
    content = "name,city\n" + "Jürgen Müller,Köln\nZoë Brontë,Genève\n" * 20
    source, rows = read(tmp_path, content.encode(encoding))
    assert rows[0].cells == {"name": "Jürgen Müller", "city": "Köln"}
    assert rows[1].cells["city"] == "Genève"
    assert shown in str(source.format)


def test_guess_shows_what_it_read(tmp_path):
    """A guessed encoding is a warning that shows a line, so that a person can tell whether it is right."""
    source, _rows = read(tmp_path, ("a,b\n" + "x,Größe\n" * 5).encode("cp1252"))
    [warning] = [one for one in source.warnings() if one.reason == "encoding-guessed"]
    assert "Größe" in warning.message
    assert source.format.is_encoding_guessed


def test_first_odd_byte_far_into_the_file_counts(tmp_path):
    """A file that is plain ASCII for megabytes and Western Windows text later is read whole and right."""
    content = b"id,name\n" + b"1,plain\n" * 200_000 + "2,Müller\n".encode("cp1252") * 3
    source, rows = read(tmp_path, content)
    assert source.format.encoding == "cp1252"
    assert rows[-1].cells["name"] == "Müller"


def test_one_stray_byte_is_one_bad_row(tmp_path):
    """A stray byte in an UTF-8 file rejects its own row and no other."""
    good = "1,Köln äöü ßéè ñøå äöü ßéè\n".encode()
    source, rows = read(tmp_path, b"id,city\n" + good * 3 + b"2,K\xf6ln\n" + good)
    assert [row.line for row in rows if isinstance(row, BadRow)] == [5]
    assert [row.reason for row in rows if isinstance(row, BadRow)] == ["bad-encoding"]
    assert len(rows) == 5
    assert source.format.encoding == "utf-8"


def test_wrong_encoding_given_rejects_rows_not_the_run(tmp_path):
    """A wrong --encoding rejects the rows that do not decode, with a message that names it."""
    _source, rows = read(tmp_path, "a\nKöln\nBonn\n".encode("cp1252"), encoding="utf-8")
    assert isinstance(rows[0], BadRow)
    assert "utf-8" in rows[0].message
    assert rows[1] == InputRow(3, {"a": "Bonn"})


def test_unknown_encoding_names_the_cure(tmp_path):
    """An encoding that nobody knows is an error that says what to write."""
    with pytest.raises(InputError, match="utf8x") as caught:
        read(tmp_path, "a\n1\n", encoding="utf8x")
    assert "utf-8" in caught.value.hint


def test_ragged_rows_are_values_with_lines(tmp_path):
    """Rows with too many or too few cells are rejected with their line; the others are read."""
    _source, rows = read(tmp_path, "a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert [(row.line, row.reason) for row in rows if isinstance(row, BadRow)] == [
        (3, "ragged-row"),
        (4, "ragged-row"),
    ]
    assert [row.cells["a"] for row in rows if isinstance(row, InputRow)] == ["1", "7"]
    assert "found 3" in rows[2].message
    assert rows[2].raw == "4,5,6"


def test_blank_rows_are_counted_not_launched(tmp_path):
    """Blank lines, lines of separators and of blanks are no rows, and they are counted."""
    source, rows = read(tmp_path, 'a,b\n1,2\n\n,\n"",""\n  , \n3,4\n,,,,\n\n')
    assert [row.cells["a"] for row in rows] == ["1", "3"]
    assert source.blank_rows == 6


def test_multi_line_cell_ends_where_it_ends(tmp_path):
    """A quoted cell may span lines; the row's line is the one where the record ends."""
    _source, rows = read(tmp_path, 'a,b\n1,"x\ny"\n2,z\n')
    assert rows == [InputRow(3, {"a": "1", "b": "x\ny"}), InputRow(4, {"a": "2", "b": "z"})]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "empty"),
        ("\n\n \n", "empty"),
        ("a,b,a\n1,2,3\n", "'a' in columns 1 and 3"),
        ("a,,c\n1,2,3\n", "no name for column 2"),
        ("a,b\0\n1,2\n", "NUL"),
        ('a,"b\n1,2\n', "header"),
    ],
)
def test_bad_headers_are_errors_with_a_cure(tmp_path, content, told):
    """A file without a usable header is an error that says what is wrong with which column, and what to do."""
    with pytest.raises(InputError, match=told) as caught:
        read(tmp_path, content)
    assert caught.value.hint
    assert caught.value.code in {"rows-header", "rows-empty"}


def test_header_only_has_columns_and_no_rows(tmp_path):
    """A file with a header alone has columns and no rows."""
    source, rows = read(tmp_path, "a,b")
    assert (source.columns, rows) == (("a", "b"), [])


def test_file_without_a_header_is_noticed(tmp_path):
    """A header that looks like values is warned about, and a file without one can be given names."""
    source, _rows = read(tmp_path, "+4930123456,anna@example.org\n+4930123457,bert@example.org\n")
    assert "header-looks-like-row" in [one.reason for one in source.warnings()]
    _source, rows = read(tmp_path, "1,x\n2,y\n", has_header=False, columns=("id", "name"))
    assert rows[0] == InputRow(1, {"id": "1", "name": "x"})


def test_nul_bytes_reject_their_row(tmp_path):
    """A row with a NUL byte is rejected, shown with the NUL made visible; its neighbours are read."""
    _source, rows = read(tmp_path, b"a,b\n1,2\n3,4\x005\n6,7\n")
    assert [type(row).__name__ for row in rows] == ["InputRow", "BadRow", "InputRow"]
    assert (rows[1].line, rows[1].reason, rows[1].raw) == (3, "nul-byte", "3,4\\x005")


def test_unclosed_quote_at_the_end(tmp_path):
    """A quote that is never closed rejects the record that it opens, and says which lines went with it."""
    _source, rows = read(tmp_path, 'a,b\n1,2\n3,"x\n4,5\n6,7\n')
    assert rows[0].cells == {"a": "1", "b": "2"}
    assert [(row.reason, row.line) for row in rows[1:]] == [("unclosed-quote", 5)]
    assert "lines 3 to 5" in rows[1].message


def test_text_after_a_quote_rejects_the_row(tmp_path):
    """Text after a closing quote rejects its row; reading goes on with the next line."""
    _source, rows = read(tmp_path, 'a,b\n"x"y,2\n3,4\n')
    assert [(getattr(row, "reason", ""), row.line) for row in rows] == [("bad-quote", 2), ("", 3)]


def test_escaped_quotes_when_told(tmp_path):
    """Backslash-escaped quotes are read when the caller names the escape character."""
    _source, rows = read(tmp_path, 'a,b\n"say \\"hi\\", ok",2\n', escape="\\")
    assert rows == [InputRow(2, {"a": 'say "hi", ok', "b": "2"})]


def test_mixed_newlines(tmp_path):
    """CRLF, LF and CR in one file all end lines; the format names them."""
    source, rows = read(tmp_path, b"a,b\r\n1,2\n3,4\r5,6\r\n7,8")
    assert [row.cells["a"] for row in rows] == ["1", "3", "5", "7"]
    assert [row.line for row in rows] == [2, 3, 4, 5]
    assert source.format.newline == "CR and CRLF and LF"


def test_other_line_characters_are_text(tmp_path):
    """Vertical tabs, form feeds and Unicode line separators are part of a cell, not line ends."""
    _source, rows = read(tmp_path, "a,b\nx\x0by\x0cz\u2028w\x85v,2\n")
    assert rows == [InputRow(2, {"a": "x\x0by\x0cz\u2028w\x85v", "b": "2"})]


def test_a_thousand_columns(tmp_path):
    """A file with 1,000 columns is read, each cell under its name."""
    names = [f"c{n}" for n in range(1_000)]
    source, rows = read(tmp_path, ",".join(names) + "\n" + ",".join(map(str, range(1_000))) + "\n")
    assert len(source.columns) == 1_000
    assert rows[0].cells["c999"] == "999"


def hundred_megabytes(head):
    class Long(io.RawIOBase):
        def __init__(self):
            self.left = 100_000_000
            self.head = head

        def read(self, size=-1):
            if self.head:
                out, self.head = self.head, b""
                return out
            size = min(size, self.left)
            self.left -= size
            if size:
                return b"x" * size
            if self.left == 0:
                self.left = -1
                return b"\n1,2\n"
            return b""

    return Long()


def test_line_of_100_mb_is_refused_in_flat_memory():
    """A single line of 100 MB becomes one bad row, in under 40 MB, and the next line is read."""
    tracemalloc.start()
    try:
        source = open_rows("-", ReadOptions(stdin=hundred_megabytes(b"a,b\n")))
        rows = list(source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [getattr(row, "reason", "") for row in rows] == ["line-too-long", ""]
    assert rows[1] == InputRow(3, {"a": "1", "b": "2"})
    assert peak < 40_000_000


def test_header_of_100_mb_is_an_error():
    """A file that is one endless line is refused by name, not swallowed."""
    with pytest.raises(InputError, match="longer than") as caught:
        open_rows("-", ReadOptions(stdin=hundred_megabytes(b"")))
    assert "format" in caught.value.hint


def test_long_line_limit_does_not_hang_on_blocks(tmp_path):
    """Whether a line is too long depends on its length alone, wherever the blocks of the file fall."""
    for before in (0, 1, 128_571, 130_071, 131_070):
        content = "a\n" + "p\n" * before + f"{'x' * 5_001}\n{'y' * 5_000}\nend\n"
        _source, rows = read(tmp_path, content, max_record_chars=5_000)
        assert [getattr(row, "reason", "") for row in rows[before:]] == ["line-too-long", "", ""]


def test_hash_is_of_the_whole_file(tmp_path):
    """The hash that iterating yields is the file's sha256, whether its rows were read to the end or not."""
    import hashlib

    content = b"a,b\n" + b"1,2\n" * 200_000
    source, _rows = read(tmp_path, content)
    path = tmp_path / "rows.csv"
    assert source.sha256() == hashlib.sha256(content).hexdigest() == file_sha256(path)
    with open_rows(path) as early:
        next(iter(early))
        assert early.sha256() == source.sha256()


def test_standard_input_is_read_as_it_comes():
    """Rows from standard input are detected, read and hashed like a file's."""
    source = open_rows("-", ReadOptions(stdin=io.BytesIO(b"a;b\n1;2\n")))
    assert list(source) == [InputRow(2, {"a": "1", "b": "2"})]
    assert source.name == "standard input"
    assert len(source.sha256()) == 64


def test_rows_pass_once(tmp_path):
    """Iterating a source a second time is an error, not an empty result."""
    source, _rows = read(tmp_path, "a\n1\n")
    with pytest.raises(InputError, match="read before"):
        list(source)


def test_missing_file_is_named(tmp_path):
    """A path that does not exist is an error that names it."""
    with pytest.raises(InputError, match=r"nobody\.csv"):
        open_rows(tmp_path / "nobody.csv")


@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0\xa1", b"%PDF-1.7"])
def test_files_that_are_no_rows_are_named(tmp_path, magic):
    """Compressed files, old workbooks and PDFs are refused with what to do instead."""
    with pytest.raises(InputError, match="it is"):
        read(tmp_path, magic + b"\0" * 100)


def test_memory_is_flat_in_rows():
    """Reading fifty times the rows takes no more memory."""

    def peak(count):
        lines = (b"%08d,some name,+49301234567\n" % number for number in range(count))

        class Stream(io.RawIOBase):
            rest = b"id,name,phone\n"

            def read(self, size=-1):
                while len(self.rest) < size and (line := next(lines, b"")):
                    self.rest += line
                out, Stream.rest = self.rest[:size], self.rest[size:]
                self.rest = Stream.rest
                return out

        tracemalloc.start()
        try:
            read_rows = sum(1 for _row in open_rows("-", ReadOptions(stdin=Stream())))
            assert read_rows == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(100_000) < 1.5 * peak(20_000)


def test_every_reason_of_the_readers_is_in_the_table(tmp_path):
    """Every reason that a reader gives has its line in the table of reasons."""
    _source, rows = read(tmp_path, b'a,b\n1\n2,3\x004\n"x"y,2\n5,\xff\n6,"\n', encoding="utf-8")
    reasons = {row.reason for row in rows}
    assert reasons == {"ragged-row", "nul-byte", "bad-quote", "bad-encoding", "unclosed-quote"}
    assert reasons <= set(REASONS)
