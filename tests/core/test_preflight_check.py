"""What is wrong with input data, told all at once and each with its cure."""

import string
from decimal import Decimal

import pytest
from hypothesis import assume, given, strategies as st

from flowlaunch._core.preflight import MAX_BODY_BYTES, Inputs, check_input, is_open, too_large, type_text
from flowlaunch._core.suggest import folded, suggest
from flowlaunch.contracts import GUIDE, PLATFORM
from flowlaunch.models import Problem

TYPES = {
    "Flow.text": {"type": "string"},
    "Flow.whole": {"type": "integer"},
    "Flow.number": {"type": "number"},
    "Flow.flag": {"type": "boolean"},
    "Flow.list": {"type": "array", "items": {"type": "string"}},
    "Flow.bag": {"type": "array"},
    "Flow.object": {"type": "object"},
    "Flow.any": {},
    "Flow.either": {"type": ["string", "integer", "null"]},
    "Flow.choice": {"type": "string", "enum": ["gold", "silver"]},
    "Flow.odd": True,
    "Flow.new": {"type": "currency"},
}


def check(given, properties=None, contract=PLATFORM, **schema):
    """Check `given` against a schema of `properties`."""
    return check_input(Inputs(contract, {"properties": properties or TYPES, **schema}), given)


def problems(given, properties=None, **more):
    """Return the problems of `given`."""
    return check(given, properties, **more)[1]


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("customername", "Flow.customerName"),
        ("CustomerName", "Flow.customerName"),
        ("customer_name", "Flow.customerName"),
        ("flow.customername", "Flow.customerName"),
        ("Flow.customer_name", "Flow.customerName"),
        ("Task.customerName", "Flow.customerName"),
        ("custmerName", "Flow.customerName"),
        ("CUSTOMER NAME", "Flow.customerName"),
        ("ordrId", "Flow.orderId"),
    ],
)
def test_a_slip_is_answered_with_the_input_that_was_meant(slip, meant):
    """Wrong case, underscores, a wrong prefix or a missing letter: the cure names the input."""
    known = {"Flow.customerName": {"type": "string"}, "Flow.orderId": {"type": "string"}}

    (problem,) = problems({slip: "x"}, known)

    assert (problem.kind, problem.key, problem.cure) == ("unknown-key", slip, f"did you mean {meant}?")


def test_a_missing_prefix_is_added():
    """`customerName` is sent as `Flow.customerName`, and an exact key is left alone."""
    data, found = check({"text": "a", "Flow.whole": 1})

    assert (data, found) == ({"Flow.text": "a", "Flow.whole": 1}, [])


def test_a_prefix_too_many_is_taken_away():
    """Where the schema has bare names, `Flow.text` is sent as `text`."""
    assert check({"Flow.text": "a"}, {"text": {"type": "string"}}) == ({"text": "a"}, [])


def test_an_exact_key_beats_the_other_spelling():
    """When a schema has both spellings, each key means itself."""
    both = {"a": {"type": "string"}, "Flow.a": {"type": "string"}}

    assert check({"a": "1", "Flow.a": "2"}, both) == ({"a": "1", "Flow.a": "2"}, [])


def test_one_input_given_twice_is_a_problem():
    """Two spellings of one input contradict each other."""
    (problem,) = problems({"Flow.text": "a", "text": "b"})

    assert problem.message == "Flow.text is given twice, once as text"
    assert problem.cure == "keep Flow.text alone"


def test_a_nested_flow_object_is_told_to_be_flat():
    """A nested `Flow` object, which the platform drops in silence (observed), gets the flat keys as its cure."""
    (problem,) = problems({"Flow": {"text": "x"}})

    assert problem.cure == "write flat keys: 'Flow.text' and so on, without the object around them"


def test_a_key_that_resembles_nothing_gets_the_list():
    """A key without a near one is answered with the flow's inputs, a dozen at most."""
    (problem,) = problems({"zzz": 1})
    assert problem.cure == f"its inputs are {', '.join(TYPES)}"

    many = {f"Flow.n{index}": {} for index in range(50)}
    assert problems({"zzz": 1}, many)[0].cure.count(",") == 11


def test_a_flow_without_inputs_says_to_leave_the_key_out():
    """A flow that declares nothing takes nothing."""
    (problem,) = check_input(Inputs(PLATFORM, {}), {"a": {"b": 1}})[1]

    assert problem.cure == "this flow has no inputs: leave it out"


def test_every_problem_is_told_at_once():
    """Unknown, missing and mistyped inputs come in one list."""
    found = problems({"whole": "x", "zzz": 1}, required=["Flow.text", "Flow.flag"])

    assert [(one.kind, one.key) for one in found] == [
        ("unknown-key", "zzz"),
        ("missing-input", "Flow.text"),
        ("missing-input", "Flow.flag"),
        ("wrong-type", "Flow.whole"),
    ]


@pytest.mark.parametrize(
    ("name", "example"),
    [("text", '"text"'), ("whole", "1"), ("number", "1.5"), ("flag", "true"), ("list", "…"), ("any", "…")],
)
def test_a_missing_input_is_cured_with_an_example_of_its_type(name, example):
    """The cure of a missing input shows how to give it."""
    (problem,) = problems({}, required=[f"Flow.{name}"])

    assert problem.cure == f"give it, e.g. Flow.{name}={example}"


def test_a_required_input_given_as_null_is_missing():
    """Null means NOT_SET, so a required input given as null was not given."""
    (problem,) = problems({"Flow.text": None}, required=["Flow.text"])

    assert (problem.kind, problem.key) == ("missing-input", "Flow.text")


def test_a_required_input_that_was_misspelt_is_told_once():
    """A slip in a required input's name is one problem and not two."""
    (problem,) = problems({"TEXT": "x"}, required=["Flow.text"])

    assert problem.kind == "unknown-key"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "x"),
        ("whole", 7),
        ("whole", 7.0),
        ("whole", Decimal(7)),
        ("whole", 2**70),
        ("number", 1),
        ("number", 1.5),
        ("number", Decimal("1.5")),
        ("flag", False),
        ("list", ["a", "b"]),
        ("list", []),
        ("list", [None]),
        ("bag", [1, "a", None]),
        ("object", {"a": 1}),
        ("any", [1]),
        ("either", "x"),
        ("either", 1),
        ("choice", "gold"),
        ("odd", 1),
        ("new", "12 EUR"),
        *((name.removeprefix("Flow."), None) for name in TYPES),
    ],
)
def test_a_value_that_fits_is_no_problem(name, value):
    """What the type takes passes; null always means NOT_SET; a type that is not known is not judged."""
    assert problems({name: value}) == []


@pytest.mark.parametrize(
    ("name", "value", "message", "cure"),
    [
        ("text", 7, "takes string, not the integer 7", "give it as text: '7'"),
        ("text", True, "takes string, not the boolean True", "give it as text: 'true'"),
        ("text", 1.5, "takes string, not the number 1.5", "give it as text: '1.5'"),
        ("text", ["a"], "takes string, not an array", "give a value of type string"),
        ("text", {"a": 1}, "takes string, not an object", "give a value of type string"),
        (
            "whole",
            "7",
            "takes integer, not the string '7'",
            "give 7 without quotes (Flow.whole:=7 on the command line)",
        ),
        ("whole", "7.5", "takes integer, not the string '7.5'", "give a value of type integer"),
        ("whole", "x" * 50, "takes integer, not a string", "give a value of type integer"),
        ("whole", 7.5, "takes integer, not the number 7.5", "give a value of type integer"),
        ("whole", Decimal("7.5"), "takes integer, not the number 7.5", "give a value of type integer"),
        ("whole", True, "takes integer, not the boolean True", "give a value of type integer"),
        (
            "number",
            "-1.5",
            "takes number, not the string '-1.5'",
            "give -1.5 without quotes (Flow.number:=-1.5 on the command line)",
        ),
        ("number", False, "takes number, not the boolean False", "give a value of type number"),
        (
            "flag",
            "True",
            "takes boolean, not the string 'True'",
            "give true without quotes (Flow.flag:=true on the command line)",
        ),
        ("flag", "yes", "takes boolean, not the string 'yes'", "give a value of type boolean"),
        ("flag", 1, "takes boolean, not the integer 1", "give a value of type boolean"),
        ("list", "a", "takes array of string, not the string 'a'", "give a list: ['a']"),
        ("list", {"a": 1}, "takes array of string, not an object", "give a value of type array"),
        ("bag", 1, "takes array, not the integer 1", "give a list: [1]"),
        ("object", "x", "takes object, not the string 'x'", "give a value of type object"),
        ("either", 1.5, "takes string or integer, not the number 1.5", "give it as text: '1.5'"),
        ("choice", "bronze", "takes one of gold, silver, not the string 'bronze'", "give 'gold', for instance"),
        ("choice", 1, "takes string, not the integer 1", "give it as text: '1'"),
    ],
)
def test_a_wrong_type_says_what_was_wanted_and_how_to_write_it(name, value, message, cure):
    """The message names the type wanted and what was given; the cure says what to write."""
    (problem,) = problems({name: value})

    assert (problem.kind, problem.message, problem.cure) == ("wrong-type", f"Flow.{name} {message}", cure)


def test_a_wrong_item_is_told_by_its_index():
    """In a list each wrong item is a problem of its own."""
    assert [problem.message for problem in problems({"list": ["a", 1, "b", 2]})] == [
        "Flow.list[1] takes string, not the integer 1",
        "Flow.list[3] takes string, not the integer 2",
    ]


def test_an_empty_choice_is_told_without_an_example():
    """A schema whose enum is empty takes nothing, and says so."""
    (problem,) = problems({"x": 1}, {"x": {"enum": []}})

    assert problem.cure == ""


@pytest.mark.parametrize("required", [True, "Flow.text", {"a": 1}, 3, None, [], [None, 7]])
def test_a_schema_is_read_leniently(required):
    """How the platform renders `required` is not published: anything but a list of names is passed by."""
    assert [one for one in problems({"text": "x"}, required=required) if one.key == "Flow.text"] == []


@pytest.mark.parametrize("properties", [[], "x", 1, None])
def test_properties_of_the_wrong_shape_declare_nothing(properties):
    """A schema whose properties are no object declares no inputs."""
    inputs = Inputs(PLATFORM, {"properties": properties})

    assert inputs.listed() == ()
    assert [problem.kind for problem in check_input(inputs, {"a": 1})[1]] == ["unknown-key"]


@pytest.mark.parametrize(
    ("extra", "wanted"), [(None, False), (False, False), (True, True), ({}, True), ({"type": "x"}, True)]
)
def test_an_open_schema_counts_under_the_guide_contract_alone(extra, wanted):
    """The platform drops undeclared keys whatever the schema says (observed); the guides' flows may take them."""
    schema = {"properties": {}} | ({} if extra is None else {"additionalProperties": extra})

    assert is_open(GUIDE, schema) is wanted
    assert is_open(PLATFORM, schema) is False


def test_undeclared_keys_of_an_open_flow_are_sent():
    """Under the guide contract a flow with a generic start event takes any data."""
    data, found = check({"anything": 1}, {"a": {"type": "string"}}, GUIDE, additionalProperties=True)

    assert (data, found) == ({"anything": 1}, [])


def test_inputs_are_listed_with_type_and_description():
    """The listing has each input's name, type for people, requirement and description."""
    schema = {"properties": TYPES | {"Flow.told": {"type": "string", "description": "Who"}}, "required": ["Flow.text"]}

    listed = {one.name: one for one in Inputs(PLATFORM, schema).listed()}

    assert [listed[f"Flow.{name}"].type for name in ("text", "list", "bag", "any", "either", "odd")] == [
        "string",
        "array of string",
        "array",
        "any",
        "string or integer",
        "any",
    ]
    assert listed["Flow.text"].required
    assert not listed["Flow.told"].required
    assert listed["Flow.told"].description == "Who"


def test_types_read_well():
    """Types of types are named inside out."""
    assert type_text({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}) == (
        "array of array of number"
    )
    assert type_text(None) == "any"


@pytest.mark.parametrize(("size", "is_problem"), [(0, False), (MAX_BODY_BYTES, False), (MAX_BODY_BYTES + 1, True)])
def test_the_largest_body_is_512_000_bytes(size, is_problem):
    """One byte more than request.bytes.max is a problem that says both figures (observed limit)."""
    found = too_large(size)

    assert (found is not None) == is_problem
    if found:
        assert "512,001" in found.message
        assert "512,000" in found.message


def test_a_problem_reads_as_one_line():
    """Message and cure are one line; without a cure the message stands alone."""
    assert str(Problem(kind="unknown-key", key="a", message="m", cure="c")) == "m; c"
    assert str(Problem(kind="unknown-key", key="a", message="m")) == "m"


NAMES = st.text(string.ascii_letters + string.digits, min_size=3, max_size=16).filter(lambda text: text[0].isalpha())


def _underscored(name):
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).strip("_")


MANGLES = st.lists(
    st.sampled_from(
        [
            str.lower,
            str.upper,
            str.swapcase,
            str.capitalize,
            _underscored,
            lambda name: f"_{name}_",
            lambda name: f" {name} ",
            lambda name: name[:2] + "-" + name[2:],
        ]
    ),
    min_size=1,
    max_size=3,
)
PREFIXES = st.sampled_from(["", "Flow.", "flow.", "FLOW.", "Task.", "State.", "Common."])


@given(NAMES, st.sets(NAMES, max_size=8), MANGLES, PREFIXES)
def test_a_known_key_mangled_is_answered_with_itself(name, others, mangles, prefix):
    """However case, underscores and prefix of a known key are mangled, the suggestion is the key itself."""
    assume(all(folded(other) != folded(name) for other in others))
    known = [f"Flow.{one}" for one in (*others, name)]
    slip = name
    for mangle in mangles:
        slip = mangle(slip)
    slip = prefix + slip
    assume(folded(name))

    assert suggest(slip, known) == f"Flow.{name}"
    schema = {one: {"type": "string"} for one in known}
    data, found = check({slip: "x"}, schema)
    assert data == {f"Flow.{name}": "x"} or [one.cure for one in found] == [f"did you mean Flow.{name}?"]


SCALARS = st.sampled_from([None, True, False, 0, 1.5, Decimal("1E+500"), "", "string", "array", "integer", "x"])
RULES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "items", "enum", "description"]), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(["a", "Flow.a", "b", "Flow.", "Flow", ""])


@given(
    st.dictionaries(KEYS, RULES, max_size=3),
    st.dictionaries(KEYS, RULES, max_size=3),
    st.recursive(SCALARS, lambda inner: st.lists(inner | KEYS, max_size=3), max_leaves=4),
    st.sampled_from([PLATFORM, GUIDE]),
)
def test_no_schema_crashes_the_check(given_data, properties, required, contract):
    """Whatever stands in a schema, the check ends with data and problems."""
    inputs = Inputs(contract, {"properties": properties, "required": required})

    data, found = check_input(inputs, given_data)

    assert isinstance(data, dict)
    assert all(isinstance(problem, Problem) for problem in found)
    inputs.listed()


def test_nothing_near_is_no_suggestion():
    """A name that resembles none of the known ones gets no suggestion."""
    assert suggest("zebra", ["Flow.customerName"]) is None
    assert suggest("x", []) is None
