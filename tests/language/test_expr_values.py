"""JSON to typed values and back, spans, type names."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from flowlaunch.architect.codec import from_json, to_json
from flowlaunch.architect.expressions import evaluate_text
from flowlaunch.architect.source import Source, Span
from flowlaunch.architect.standalone import guess_type
from flowlaunch.architect.types import Type, key_of_type, type_of_code, type_of_variable_key
from flowlaunch.architect.values import NOT_SET, Currency, Duration, Json, NetworkObject, equal
from flowlaunch.errors import FlowNameError, FlowTypeError

GOOD = [
    ("bln", True, True),
    ("int", 5, 5),
    ("int", 5.0, 5),
    ("dec", 5, Decimal(5)),
    ("dec", 0.1, Decimal("0.1")),
    ("str", "", ""),
    ("dtm", "2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
    ("dat", "2024-01-01", date(2024, 1, 1)),
    ("tim", "01:02:03", time(1, 2, 3)),
    ("dur", "PT1S", Duration(1000)),
    ("dur", 1000, Duration(1000)),
    ("cur", {"amount": 1.5, "code": "USD"}, Currency(Decimal("1.5"), "USD")),
    ("cur", "1.50|USD", Currency(Decimal("1.5"), "USD")),
    ("cur", {"amount": None}, Currency(NOT_SET, NOT_SET)),
    ("jsn", {"a": [1, 0.5]}, Json({"a": [1, Decimal("0.5")]})),
    ("usr", "u-1", NetworkObject("usr", "u-1")),
    ("que", {"id": "q-1", "name": "Sales"}, NetworkObject("que", "q-1")),
    ("str", None, NOT_SET),
    ("str_coll", None, ()),
    ("str_coll", ["a", None], ("a", NOT_SET)),
]


@pytest.mark.parametrize(("code", "document", "wanted"), GOOD)
def test_json_becomes_a_typed_value(code, document, wanted):
    """Each type has its JSON form; null is NOT_SET, and an empty collection for a collection."""
    found = from_json(document, type_of_code(code))
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("code", "document"),
    [
        ("bln", 1),
        ("bln", "true"),
        ("int", True),
        ("int", 1.5),
        ("int", 10**15),
        ("int", float("nan")),
        ("int", float("inf")),
        ("dec", "1.5"),
        ("dec", float("inf")),
        ("dec", 10**50),
        ("str", 5),
        ("dtm", "soon"),
        ("dtm", 5),
        ("dat", "2024-02-30"),
        ("tim", "25:00"),
        ("dur", "1 hour"),
        ("dur", 1.5),
        ("cur", {"amount": "x"}),
        ("cur", {"amount": 1, "currency": "USD"}),
        ("usr", 5),
        ("usr", {"email": "a"}),
        ("str_coll", "a"),
        ("str_coll", ["a", 5]),
    ],
)
def test_json_of_the_wrong_kind_is_refused(code, document):
    """A document that does not fit its type is refused with the place, what was found and what fits."""
    with pytest.raises(FlowTypeError, match=r"input Flow\.x") as caught:
        from_json(document, type_of_code(code), where="input Flow.x")
    assert caught.value.hint


def test_json_round_trip():
    """What is written as JSON reads back as the same value."""
    for code, document, _ in GOOD:
        of = type_of_code(code)
        value = from_json(document, of)
        assert equal(from_json(to_json(value, of), of), value)


def test_json_nested_too_deep_is_refused():
    """A JSON input nested hundreds deep is refused, not crashed on."""
    document = []
    for _ in range(5_000):
        document = [document]
    with pytest.raises(FlowTypeError):
        from_json(document, Type("jsn"))


def test_variable_keys_name_types_both_ways():
    """Archy's keys for variables and updateData name types, with a hint when one is misspelt."""
    assert type_of_variable_key("stringCollectionVariable") == Type("str", is_collection=True)
    assert type_of_variable_key("dateTime") == Type("dtm")
    for key in ("string", "jsonCollection", "user", "externalContact", "phoneNumber", "date", "workitem"):
        assert key_of_type(type_of_variable_key(key)) == key
    with pytest.raises(FlowNameError, match="strng") as caught:
        type_of_variable_key("strngVariable")
    assert "`string`" in caught.value.hint


def test_not_set_has_no_truth():
    """NOT_SET cannot be mistaken for false."""
    with pytest.raises(TypeError, match="NOT_SET"):
        bool(NOT_SET)


def test_a_span_shows_its_line():
    """A span renders place, line and caret, also in a long line and on a later line."""
    source = Source("f.yaml", "first\nsecond line\n" + "x" * 300)
    assert Span(source, 6, 12).render() == "f.yaml:2:1\n  second line\n  ^^^^^^"
    rendered = Span(source, 218, 219).render().splitlines()
    assert rendered[0] == "f.yaml:3:201"
    assert rendered[2].index("^") < 120
    assert rendered[1][rendered[2].index("^")] == "x"


def test_types_are_named_as_people_name_them():
    """evaluate_text takes type names of flows, trees and tables; an unknown or doubled name is refused."""
    for name in ("stringCollection", "str[]", "str_coll"):
        assert evaluate_text("Count(Flow.x)", {"Flow.x": []}, types={"flow.X": name}).value == 0
    assert evaluate_text("IsSet(Flow.x)", types={"Flow.x": "user"}).value is False
    assert [guess_type(value).code for value in ([1, 2], [1, "a"], [], {}, None, 1.5)] == [
        "int_coll", "jsn_coll", "str_coll", "jsn", "str", "dec",
    ]  # fmt: skip
    with pytest.raises(FlowNameError):
        evaluate_text("1", types={"Flow.x": "sting"})
    with pytest.raises(FlowTypeError, match="given twice"):
        evaluate_text("1", {"Flow.x": 1, "flow.X": 2})
