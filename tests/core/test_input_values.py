"""From what a caller gives to JSON: what passes, what is refused, and nothing that crashes."""

import dataclasses
import datetime as dt
import enum
import json
import math
from collections import OrderedDict, UserDict, UserString, defaultdict
from decimal import Decimal
from types import MappingProxyType
from unittest.mock import MagicMock
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import given, settings, strategies as st

from flowlaunch._core.jsonable import MAX_DEPTH, as_mapping, to_json_value
from flowlaunch._core.preflight import check_input
from flowlaunch._core.wire import encode_json


@dataclasses.dataclass
class OrderRecord:
    orderId: str  # noqa: N815 - an input's own name
    count: int = 1


class OrderStruct(msgspec.Struct, rename="camel"):
    order_id: str
    count: int = 1


class OrderModel(pydantic.BaseModel):
    order_id: str = pydantic.Field(serialization_alias="orderId")
    count: int = 1


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


class Whole(int):
    pass


class Broken(float):
    pass


def converted(given):
    """Return the JSON of `given` and the kinds of its problems."""
    data, problems = check_input(None, given)
    return data, [problem.kind for problem in problems]


@pytest.mark.parametrize(
    "given",
    [
        {"orderId": "4711", "count": 1},
        OrderRecord("4711"),
        OrderStruct("4711"),
        OrderModel(order_id="4711"),
        MappingProxyType({"orderId": "4711", "count": 1}),
        OrderedDict(orderId="4711", count=1),
        UserDict(orderId="4711", count=1),
    ],
    ids=lambda given: type(given).__name__,
)
def test_input_data_comes_in_many_forms(given):
    """A mapping, a dataclass, a msgspec struct and a pydantic model give the same input data."""
    assert converted(given) == ({"orderId": "4711", "count": 1}, [])


@pytest.mark.parametrize("given", [None, {}, defaultdict(list)])
def test_no_input_data_is_an_empty_object(given):
    """None stands for no input data."""
    assert converted(given) == ({}, [])


@pytest.mark.parametrize(
    "given", ["text", 7, [1], {1}, b"x", OrderRecord, OrderModel, object(), UserString("x"), True, (("a", 1),)]
)
def test_what_is_no_object_is_refused(given):
    """Anything that has no names is refused with a cure."""
    data, problems = check_input(None, given)

    assert (data, [problem.kind for problem in problems]) == ({}, ["not-an-object"])
    assert "mapping" in problems[0].cure


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("plain", "plain"),
        (Text("text"), "text"),
        (True, True),
        (7, 7),
        (Whole(8), 8),
        (2**80, 2**80),
        (1.5, 1.5),
        (Broken(2.5), 2.5),
        (None, None),
        (Decimal("10.50"), Decimal("10.50")),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (dt.date(2026, 11, 21), "2026-11-21"),
        (dt.time(8, 30), "08:30:00"),
        (dt.datetime(2026, 11, 21, 8, tzinfo=dt.UTC), "2026-11-21T08:00:00Z"),
        (dt.datetime(2026, 11, 21, 8, tzinfo=dt.timezone(dt.timedelta(hours=2))), "2026-11-21T08:00:00+02:00"),
        (dt.timedelta(minutes=90), "PT5400S"),
        (dt.timedelta(seconds=-1.5), "-PT1.5S"),
        (dt.timedelta(), "PT0S"),
        ([1, (2, "x")], [1, [2, "x"]]),
        ({"a": OrderRecord("1")}, {"a": {"orderId": "1", "count": 1}}),
        ([OrderStruct("1")], [{"orderId": "1", "count": 1}]),
        (OrderModel(order_id="1"), {"orderId": "1", "count": 1}),
    ],
)
def test_a_value_becomes_the_json_that_it_means(value, wanted):
    """Dates are ISO 8601, instants are UTC or carry their offset, enums give their value, records their fields."""
    data, kinds = converted({"x": value})

    assert (data["x"], kinds) == (wanted, [])
    encode_json(data)


def test_a_decimal_goes_out_as_the_number_it_is():
    """A Decimal keeps its digits: no float in between."""
    assert encode_json({"x": Decimal("0.10")}) == b'{"x":0.10}'


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        b"bytes",
        {1, 2},
        object(),
        print,
        OrderRecord,
        range(3),
        1j,
        "\ud800",
        {"\ud800": 1},
        {1: "a"},
        {None: "a"},
        dt.datetime(2026, 11, 21, 8),  # noqa: DTZ001 - that is the slip
        iter([1]),
        MagicMock(),
    ],
    ids=lambda value: f"{type(value).__name__}-{ascii(value)[:12]}",
)
def test_what_json_cannot_hold_is_a_problem_with_its_path(value):
    """NaN, bytes, sets, text that is not Unicode, keys that are no text, naive date-times: each named by its path."""
    _data, problems = check_input(None, {"a": [{"b": value}]})

    assert [problem.kind for problem in problems] == ["not-json"]
    assert problems[0].key == "a[0].b"
    assert problems[0].message.startswith("a[0].b ")


@pytest.mark.parametrize("key", [1, None, ("a",)])
def test_a_key_of_the_whole_that_is_no_text_reads_well(key):
    """A wrong key at the top is told of the input data, not of an empty path."""
    _data, problems = check_input(None, {key: "v"})

    assert problems[0].message.startswith("the input data has the key ")


def test_a_value_that_contains_itself_is_a_problem():
    """A cycle is told as such, at once, even one that branches."""
    loop = []
    loop += [loop, loop, {"again": loop}]

    _data, problems = check_input(None, {"x": loop})

    assert {problem.kind for problem in problems} == {"not-json"}
    assert "contains itself" in problems[0].message
    assert len(problems) == 3


def test_a_value_used_twice_is_no_cycle():
    """One list in two places is sent in both."""
    shared = [1]

    assert converted({"a": shared, "b": [shared, shared]}) == ({"a": [1], "b": [[1], [1]]}, [])


def test_nesting_has_a_bound():
    """Input data deeper than any flow reads is refused rather than followed."""
    deep = []
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]

    _data, problems = check_input(None, {"x": deep})

    assert [problem.kind for problem in problems] == ["not-json"]
    assert f"deeper than {MAX_DEPTH}" in problems[0].message


def test_a_model_that_cannot_be_dumped_is_a_problem():
    """An object whose own dump fails is refused, not passed on."""

    class Odd:
        def model_dump(self, **_options):
            raise RuntimeError("no")

    assert converted(Odd())[1] == ["not-an-object"]
    assert converted({"x": Odd()})[1] == ["not-json"]


def _hashable(value):
    try:
        hash(value)
    except TypeError:
        return False
    return True


ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=())),
    st.binary(max_size=5),
    st.decimals(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.timedeltas(),
    st.uuids(),
    st.complex_numbers(),
    st.sampled_from([Colour.RED, Level.HIGH, Text("t"), Whole(1), OrderRecord("1"), OrderStruct("1"), object, len]),
    st.builds(object),
    st.frozensets(st.integers(), max_size=2),
)
ANYTHING = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner),
        st.dictionaries(ATOMS.filter(_hashable), inner, max_size=4),
    ),
    max_leaves=12,
)


UNICODE = st.text(st.characters(codec="utf-8"))
PLAIN_JSON = st.dictionaries(
    UNICODE,
    st.recursive(
        st.none() | st.booleans() | st.integers() | UNICODE,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(UNICODE, inner, max_size=4),
        max_leaves=10,
    ),
    max_size=4,
)


@given(ANYTHING)
def test_anything_is_either_json_or_a_problem(value):
    """Whatever is given, it is told what is wrong with it, or it can be encoded and read back by any JSON reader."""
    problems = []

    data = to_json_value(value, "x", problems)

    if not problems:
        read = json.loads(encode_json(data), parse_float=Decimal)
        assert (read is None) == (data is None)


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
            lambda v: st.lists(v) | st.dictionaries(st.text(st.characters(codec="utf-8")), v),
            max_leaves=10,
        ),
    )
)
def test_plain_json_goes_out_as_it_came(value):
    """What is JSON already is not changed."""
    assert check_input(None, value) == (value, [])


def test_a_mapping_is_recognized_by_what_it_is():
    """as_mapping gives None for what has no names."""
    assert as_mapping(3) is None
    assert as_mapping(OrderStruct("1")) == {"orderId": "1", "count": 1}
