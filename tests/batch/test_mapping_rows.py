from __future__ import annotations

import json

import pytest

from flowlaunch.batch.decisions import REASONS, WARNINGS, Decision, InputRow, Prepared
from flowlaunch.batch.mapping import (
    MappingSpec,
    RowColumns,
    RowMapper,
    ValueForms,
    launch_token,
    load_mapping,
    parse_assignments,
)
from flowlaunch.errors import InputError, PreflightError
from flowlaunch.models import FlowInput, FlowInputs

TYPES = {
    "text": {"type": "string"},
    "whole": {"type": ["integer", "null"], "minimum": -999_999, "maximum": 999_999},
    "number": {"type": "number"},
    "truth": {"type": "boolean"},
    "instant": {"type": "string", "format": "date-time"},
    "day": {"type": "string", "format": "date"},
    "object": {"type": "object"},
    "texts": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
    "wholes": {"type": "array", "items": {"type": "integer"}},
    "json": {},
    "colour": {"type": "string", "enum": ["red", "blue", None]},
}


def inputs_of(*names, required=(), is_open=False):
    schema = {"properties": {f"Flow.{name}": TYPES.get(name, {"type": "string"}) for name in names}}
    listed = tuple(FlowInput(name=f"Flow.{name}", type="string", required=name in required) for name in names)
    return FlowInputs(flow_id="f", flow_name="Reminder", version=None, inputs=listed, schema=schema, is_open=is_open)


def prepare(cells, inputs, line=7, row_number=5, **spec):
    mapper = RowMapper(MappingSpec(**spec), tuple(cells), inputs, batch_id="b1")
    return mapper.prepare(InputRow(line, cells), row_number)


def convert(kind, cell, **forms):
    ready = prepare({kind: cell}, inputs_of(kind), values=ValueForms(**forms))
    if isinstance(ready, Decision):
        return ready
    return ready.input_data.get(f"Flow.{kind}", "left out")


@pytest.mark.parametrize("column", ["customerName", "Flow.customerName"])
def test_columns_feed_inputs_of_their_name(column):
    """A column feeds the input of its name, written with or without the prefix."""
    ready = prepare({column: "Anna", "other": "x"}, inputs_of("customerName"))
    assert ready.input_data == {"Flow.customerName": "Anna"}


@pytest.mark.parametrize("column", ["customer_name", "CustomerName", "FLOW.customername"])
def test_near_names_are_asked_about_never_taken(column):
    """A column of nearly the input's name feeds nothing: a required input names it in the cure, others in a warning."""
    with pytest.raises(PreflightError) as caught:
        prepare({column: "Anna"}, inputs_of("customerName", required=("customerName",)))
    [problem] = caught.value.problems
    assert f"did you mean column {column}? Then map Flow.customerName={column}" in problem.cure
    mapper = RowMapper(MappingSpec(), (column,), inputs_of("customerName"), batch_id="b")
    assert [one.reason for one in mapper.warnings] == ["near-name", "unused-column"]
    assert mapper.prepare(InputRow(2, {column: "Anna"}), 1).input_data == {}


def test_two_columns_for_one_input_are_a_slip():
    """When both spellings of an input are columns, neither is chosen silently."""
    with pytest.raises(PreflightError, match=r"Flow\.x and x"):
        prepare({"x": "1", "Flow.x": "2"}, inputs_of("x"))


def test_map_and_set_feed_inputs():
    """A map names the column of an input, a set writes its text with columns in it."""
    ready = prepare(
        {"cust": "4711", "first": "Anna", "when": "now"},
        inputs_of("customerId", "greeting", "source"),
        map={"customerId": "cust"},
        set={"Flow.greeting": "Hello {first}, {{dear}} no {row} on line {line}", "Flow.source": "batch {batch}"},
    )
    assert ready.input_data == {
        "Flow.customerId": "4711",
        "Flow.greeting": "Hello Anna, {dear} no 5 on line 7",
        "Flow.source": "batch b1",
    }


def test_every_slip_of_a_mapping_is_told_at_once():
    """Unknown inputs, unknown columns, twice-fed and unfed inputs are all named together, each with its cure."""
    with pytest.raises(PreflightError) as caught:
        prepare(
            {"customer": "1", "Flow.custmer": "2"},
            inputs_of("customerId", "note", "must", required=("must",)),
            map={"Flow.custId": "customer", "Flow.note": "custome"},
            set={"Flow.note": "x"},
        )
    text = str(caught.value)
    for told in ("Flow.custId: no input", "no column 'custome'", "both mapped and set", "Flow.must is required"):
        assert told in text
    assert "did you mean customer?" in text


def test_jmespath_reaches_into_nested_rows():
    """An expression picks a value out of a nested row; nothing found leaves the input out."""
    row = {"order": {"lines": [{"sku": "a", "n": 2}, {"sku": "b", "n": 3}]}, "x": None}
    ready = prepare(
        row,
        inputs_of("texts", "whole", "text"),
        map={
            "texts": "jmespath:order.lines[].sku",
            "whole": "jmespath: sum(order.lines[].n)",
            "text": "jmespath:order.nobody",
        },
    )
    assert ready.input_data == {"Flow.texts": ["a", "b"], "Flow.whole": 5}


def test_json_text_in_a_column_can_be_reached_into():
    """A column of JSON text is parsed for expressions when it is named, and broken JSON rejects its row."""
    spec = {"map": {"text": "jmespath:payload.city"}, "values": ValueForms(json_columns=("payload",))}
    assert prepare({"payload": '{"city": "Köln"}'}, inputs_of("text"), **spec).input_data == {"Flow.text": "Köln"}
    refused = prepare({"payload": "{"}, inputs_of("text"), **spec)
    assert (refused.kind, refused.reason) == ("reject", "bad-path")


def test_wrong_jmespath_is_told_before_any_row():
    """An expression that is no JMESPath is a slip of the mapping, not of a thousand rows."""
    with pytest.raises(PreflightError, match="mend the JMESPath"):
        prepare({"a": "1"}, inputs_of("text"), map={"text": "jmespath:a["})


@pytest.mark.parametrize(
    ("kind", "cell", "wanted"),
    [
        ("text", "02139", "02139"),
        ("text", " padded ", " padded "),
        ("text", 4711, "4711"),
        ("text", 4711.0, "4711"),
        ("text", True, "true"),
        ("whole", " 4711 ", 4711),
        ("whole", "-12", -12),
        ("whole", 12.0, 12),
        ("number", "1.50", 1.5),
        ("number", "4.4E+11", 4.4e11),
        ("number", "12", 12),
        ("truth", "Yes", True),
        ("truth", "0", False),
        ("truth", 1, True),
        ("instant", "2026-03-04T09:30:00+01:00", "2026-03-04T08:30:00.000Z"),
        ("instant", "2026-03-04 08:30Z", "2026-03-04T08:30:00.000Z"),
        ("day", "2026-03-04", "2026-03-04"),
        ("day", "2026-03-04T00:00:00", "2026-03-04"),
        ("object", '{"a": [1]}', {"a": [1]}),
        ("texts", "a; b;c", ["a", "b", "c"]),
        ("texts", '["a;b", "c"]', ["a;b", "c"]),
        ("texts", ["a", "b"], ["a", "b"]),
        ("wholes", "1;2;3", [1, 2, 3]),
        ("wholes", 7, [7]),
        ("json", '{"a": 1}', {"a": 1}),
        ("json", "plain text", "plain text"),
        ("json", 7, 7),
        ("colour", "red", "red"),
    ],
)
def test_cells_become_what_inputs_declare(kind, cell, wanted):
    """Each cell is converted to the type that its input declares."""
    value = convert(kind, cell)
    assert value == wanted
    assert type(value) is type(wanted)


@pytest.mark.parametrize(
    ("kind", "cell", "cure"),
    [
        ("whole", "4711.0", "write 4711"),
        ("whole", "1,234", "write it without marks between thousands: 1234"),
        ("whole", "twelve", "write digits only"),
        ("whole", "١٢", "write digits only"),
        ("whole", "1000000", "write one from -999999 to 999999"),
        ("whole", True, "write 1 or 0"),
        ("number", "12,50", "write 12.50, or name the decimal mark"),
        ("number", "1e999", "write a smaller one"),
        ("number", "nan", "write digits"),
        ("truth", "maybe", "write true or false"),
        ("instant", "2026-03-04T09:30:00", "name the zone of all times"),
        ("instant", "04.03.2026 09:30", "year-month-day"),
        ("instant", "soon", "ISO 8601"),
        ("day", "04/03/2026", "year-month-day"),
        ("object", "{broken", "write JSON"),
        ("json", "{broken", "write JSON"),
        ("wholes", "1;x", "write digits only"),
        ("wholes", "[1;2]", "mend the JSON"),
        ("text", {"a": 1}, "jmespath:"),
        ("colour", "green", "write one of red, blue"),
    ],
)
def test_cells_that_do_not_fit_name_line_column_value_and_cure(kind, cell, cure):
    """A cell that does not fit its input rejects the row with line, column, value and cure."""
    refused = convert(kind, cell)
    assert (refused.kind, refused.reason) == ("reject", "bad-value")
    [problem] = refused.problems
    assert (problem.line, problem.column, problem.input_name) == (7, kind, f"Flow.{kind}")
    assert str(cell)[:60] in problem.value
    assert cure in problem.cure
    assert f"line 7, column {kind}" in refused.message


def test_every_problem_of_a_row_is_told_at_once():
    """A row with several wrong cells is rejected once, with all of them."""
    cells = {"whole": "x", "truth": "y?", "text": "", "id": "", "when": "never"}
    refused = prepare(
        cells,
        inputs_of("whole", "truth", "text", required=("text",)),
        row=RowColumns(key="id", not_before="when"),
    )
    assert [one.reason for one in refused.problems] == [
        *("missing-key", "bad-value", "bad-value", "missing-value", "bad-time")
    ]
    assert {one.reason for one in refused.problems} <= set(REASONS)


@pytest.mark.parametrize("name", ["key", "contact", "zone", "region", "name"])
@pytest.mark.parametrize(("text", "reason"), [("k\x001", "nul-byte"), ("k\ud8001", "bad-encoding")])
def test_a_text_that_no_database_holds_rejects_its_row_alone(name, text, reason):
    """A NUL or half a character in what a row is known by is told with its column, and can be written down."""
    refused = prepare({"text": "a", "place": text}, inputs_of("text"), row=RowColumns(**{name: "place"}))
    assert [(one.reason, one.column, one.input_name) for one in refused.problems] == [(reason, "place", name)]
    assert "\0" not in refused.message + refused.problems[0].value
    assert refused.problems[0].value.encode() in {b"k\\x001", b"k\\ud8001"}


def test_forms_of_cells_can_be_told():
    """The decimal mark, the separator, the form of dates and the zone of times can be told."""
    assert convert("number", "1,5", decimal=",") == 1.5
    assert convert("number", "1.234,5", decimal=",").reason == "bad-value"
    assert convert("wholes", "1|2", separator="|") == [1, 2]
    assert convert("day", "04.03.2026", date_format="%d.%m.%Y") == "2026-03-04"
    assert (
        convert("instant", "04.03.2026 09:30", date_format="%d.%m.%Y %H:%M", time_zone="Europe/Berlin")
        == "2026-03-04T08:30:00.000Z"
    )


@pytest.mark.parametrize(
    ("cell", "told"), [("2026-03-29T02:30:00", "does not exist"), ("2026-10-25T02:30:00", "occurs twice")]
)
def test_times_at_clock_changes_are_not_guessed(cell, told):
    """A local time that does not exist or occurs twice is refused, not guessed."""
    assert told in convert("instant", cell, time_zone="Europe/Berlin").message


def test_empty_cells_mean_not_set_unless_told():
    """An empty cell leaves its input out; it is an empty text when switched, and other words can mean nothing."""
    assert convert("text", "") == "left out"
    assert convert("text", None) == "left out"
    assert convert("whole", "  ") == "left out"
    assert convert("text", "", not_set=()) == ""
    assert convert("whole", "", not_set=()).reason == "bad-value"
    assert convert("text", "NULL", not_set=("", "NULL")) == "left out"


def test_tokens_are_the_same_on_resume_and_unique():
    """The token of a row depends on batch and row alone: a resume keeps it, and no two rows share it."""
    assert launch_token("b1", 5) == launch_token("b1", 5)
    assert len({launch_token(batch, row) for batch in ("b1", "b2") for row in range(5_000)}) == 10_000
    ready = prepare({"id": "9"}, inputs_of("text"), row=RowColumns(key="id", name="Reminder {id} {token}"))
    assert ready.name == f"Reminder 9 {launch_token('b1', 5)}"
    assert ready.token == launch_token("b1", 5)


def test_row_facts_for_the_rules():
    """Key, contact, numbers, addresses, zone, region and times of a row come from the columns that are named."""
    cells = {
        "id": "9",
        "mobile": "0151 2345 6789",
        "home": "",
        "mail": " Anna@Example.ORG ",
        "tz": "Europe/Berlin",
        "state": "US-FL",
        "from": "2026-03-04",
        "until": "2026-03-05T12:00Z",
    }
    ready = prepare(
        cells,
        inputs_of("text"),
        row=RowColumns(
            key="{id}-{mail}",
            phones=("mobile", "home"),
            emails=("mail",),
            zone="tz",
            region="state",
            not_before="from",
            not_after="until",
        ),
        values=ValueForms(default_region="DE", time_zone="UTC"),
    )
    assert isinstance(ready, Prepared)
    assert ready.key == "9- Anna@Example.ORG"
    assert (ready.phones, ready.emails) == (("0151 2345 6789",), ("Anna@Example.ORG",))
    assert ready.contact == "+4915123456789"
    assert (ready.zone, ready.region) == ("Europe/Berlin", "US-FL")
    assert ready.not_after_us - ready.not_before_us == 36 * 3_600_000_000


def test_a_key_is_made_up_when_none_is_named():
    """Without a key column number and batch are the key, so that no rows are taken for duplicates."""
    assert prepare({"a": "1"}, inputs_of("text")).key == "row-5@b1"


def test_rows_too_large_for_a_launch_are_rejected():
    """A row whose input data is beyond what a launch takes is rejected before anything is sent."""
    refused = prepare({"text": "x" * 510_000}, inputs_of("text"))
    assert refused.reason == "too-large"
    assert isinstance(prepare({"text": "x" * 400_000}, inputs_of("text")), Prepared)


def test_later_rows_of_nested_sources_may_have_more():
    """A column that only later rows of NDJSON have still feeds its input; a row without it leaves it out."""
    mapper = RowMapper(MappingSpec(), ("a",), inputs_of("a", "text"), batch_id="b", is_open_ended=True)
    assert mapper.prepare(InputRow(1, {"a": "1"}), 1).input_data == {"Flow.a": "1"}
    assert mapper.prepare(InputRow(2, {"Flow.text": "x"}), 2).input_data == {"Flow.text": "x"}


def test_shadowed_columns_and_unused_ones_are_warned_about():
    """A column named like a placeholder, and one that nothing uses, are worth a warning."""
    mapper = RowMapper(MappingSpec(set={"text": "{token}"}), ("token", "x"), inputs_of("text"), batch_id="b")
    assert [one.reason for one in mapper.warnings] == ["shadowed-name", "unused-column", "unused-column"]
    assert {one.reason for one in mapper.warnings} <= set(WARNINGS)


def test_mapping_file_is_read(tmp_path):
    """A mapping file says all that flags can say."""
    path = tmp_path / "mapping.toml"
    path.write_text(
        '[map]\n"Flow.text" = "name"\n[set]\n"Flow.json" = "{name} {token}"\n'
        '[row]\nkey = "id"\nphones = ["mobile"]\n[values]\nnot_set = ["", "-"]\ndefault_region = "DE"\n',
        encoding="utf-8",
    )
    spec = load_mapping(path)
    assert spec.map == {"Flow.text": "name"}
    assert spec.row == RowColumns(key="id", phones=("mobile",))
    assert spec.values == ValueForms(not_set=("", "-"), default_region="DE")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[map\n", "no TOML"),
        ("[maps]\n", "Did you mean map?"),
        ('[row]\nphone = ["a"]\n', "Did you mean phones?"),
        ("[map]\nx = 1\n", "Expected `str`"),
        ('[values]\ntime_zone = "europe/berlin"\n', "Did you mean Europe/Berlin?"),
        ('[values]\nseparator = ""\n', "not one character"),
    ],
)
def test_slips_in_a_mapping_file_name_the_cure(tmp_path, content, told):
    """A slip in a mapping file is an error that names the file or the place, and the cure."""
    path = tmp_path / "mapping.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_mapping(path)
    assert told in str(caught.value)


def test_assignments_on_the_command_line():
    """Pairs keep everything after the first =; a missing or repeated one is an error."""
    assert parse_assignments(["Flow.a=x=y", "b="], "--set") == {"Flow.a": "x=y", "b": ""}
    with pytest.raises(InputError, match="no ="):
        parse_assignments(["Flow.a"], "--map")
    with pytest.raises(InputError, match="twice"):
        parse_assignments(["a=1", "a=2"], "--map")


def test_unknown_row_columns_and_templates_are_told():
    """A rule's column that does not exist, and a template with a lonely brace, are errors with a cure."""
    with pytest.raises(InputError, match="no column 'phon'") as caught:
        prepare({"phone": "1"}, inputs_of("text"), row=RowColumns(phones=("phon",)))
    assert "phone" in caught.value.hint
    with pytest.raises(InputError, match="no name in it"):
        prepare({"phone": "1"}, inputs_of("text"), set={"text": "a { b"})


def test_prepared_input_is_json():
    """What a row is prepared to can be written as JSON as it is."""
    ready = prepare({"whole": "1", "json": "[1]", "texts": "a;b"}, inputs_of("whole", "json", "texts"))
    assert json.loads(json.dumps(ready.input_data)) == ready.input_data
