"""Properties that hold for every expression: printing, types, errors, and no crash on any text."""

import json
from datetime import UTC, datetime

from hypothesis import given, settings, strategies as st

from flowlaunch.architect.expressions import Expression, compile_expression, evaluate_text
from flowlaunch.architect.functions.catalogue import find_overloads, function_names
from flowlaunch.architect.standalone import StillHost, read_variables
from flowlaunch.architect.types import Type
from flowlaunch.architect.values import NOT_SET, Json, NetworkObject, Opaque
from flowlaunch.errors import FlowError, FlowRuntimeError

HOST = StillHost(datetime(2026, 1, 1, tzinfo=UTC))
VARIABLES = {
    "Flow.i": 3, "Flow.s": "text", "Flow.b": True, "Flow.d": 2.5, "Flow.list": ["a", "b"], "Flow.n": None,
    "Flow.j": {"a": {"b": [1, None]}},
}  # fmt: skip
SCOPE, VALUES = read_variables(VARIABLES, {"Flow.n": "integer"})

LITERALS = st.one_of(
    st.integers(-50, 999_999_999_999_999).map(str),
    st.decimals(-1000, 1000, places=3).map(lambda number: f"{number:.3f}"),
    st.text(max_size=12)
    .map(lambda text: json.dumps(text, ensure_ascii=False))
    .filter(lambda text: "\\u" not in text and "\\b" not in text and "\\f" not in text),
    st.sampled_from(["true", "false", "NOT_SET", *VARIABLES, "Flow.j.a", "Flow.j.a.b[0]", "System.MaxInt"]),
)
NAMES = sorted(function_names())
BINARY = ["+", "-", "*", "/", "%", "^", "|", "&", "==", "!=", "<", "<=", ">", ">=", "and", "or", "OR"]


def outcome_of(attempt):
    try:
        return attempt()
    except FlowError as error:
        return error


def grow(inner):
    calls = st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=4)).map(lambda c: f"{c[0]}({', '.join(c[1])})")
    return st.one_of(
        st.tuples(inner, st.sampled_from(BINARY), inner).map(lambda b: f"({b[0]}) {b[1]} ({b[2]})"),
        st.tuples(inner, st.sampled_from(BINARY), inner).map(" ".join),
        st.tuples(st.sampled_from("!~-"), inner).map(lambda u: f"{u[0]}({u[1]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"{t[0]} ? {t[1]} : {t[2]}"),
        st.tuples(inner, inner).map(lambda i: f"({i[0]})[{i[1]}]"),
        calls,
    )


EXPRESSIONS = st.recursive(LITERALS, grow, max_leaves=12)

BY_TYPE = {
    "bln": ["true", "false", "Flow.b", "ToBool(NOT_SET)"],
    "int": ["0", "-1", "1", "7", "2024", "999999999999999", "Flow.i", "Flow.n"],
    "dec": ["0.0", "-1.5", "0.005", "99999999999999999999.5", "Flow.d", "ToDecimal(NOT_SET)"],
    "str": [
        '""', '"abc"', '"12"', '"2024-01-31T10:00:00Z"', '"PT1H"', '"{\\"a\\":1}"',
        '"\u00e9\U0001f600"', "ToString(NOT_SET)",
    ],
    "dtm": ["MakeDateTime(2024, 1, 31)", "System.MaxDateTime", "ToDateTime(NOT_SET)"],
    "dur": ["MakeDuration(0, 1, 0, 0)", "System.MinDuration", "MakeDuration(0, 0, 0, 0)", "ToDuration(NOT_SET)"],
    "cur": ['MakeCurrency(1.5, "USD")', 'ToCurrency("-3|EUR")', 'MakeCurrency(NOT_SET, "USD")', "ToCurrency(NOT_SET)"],
    "phn": ['ToPhoneNumber("+13178723000")', 'ToPhoneNumber("sip:a@b")', "ToPhoneNumber(NOT_SET)"],
    "jsn": ["Flow.j", "Flow.j.a.b", "ToJson(5)", "ToJson(NOT_SET)"],
    "dat": ['ToDate("2024-02-29")'],
    "tim": ['ToTime("10:30")'],
    "usr": ['ToUser("a@b")', "ToUser(NOT_SET)"],
    "que": ['ToQueue("q")'],
    "skl": ['ToSkill("s")'],
    "lac": ['ToLanguageSkill("l")'],
    "grp": ['ToGroup("g")'],
    "wrc": ['ToWrapupCode("w")'],
    "aud": ['ToAudioTTS("hi")', "ToAudio(NOT_SET)"],
    "pmt": ["Prompt.Hello"],
    "apa": ["Prompt.Hello", "ToAudioBlank(5)"],
    "nts": ["NOT_SET"],
    "daf": ["Format.Date.shortYear"],
    "nuf": ["Format.Number.playDigits"],
    "lne": ["Language.Gender.neuter"],
    "cpx_email_address": ['MakeEmailAddress("a@b.example")'],
}  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS)
def test_any_expression_gives_a_value_or_an_error_of_the_language(text):
    """Whatever is written, the answer is a value or a FlowError with a place."""
    outcome = outcome_of(lambda: evaluate_text(text, VARIABLES, types={"Flow.n": "integer"}, host=HOST))
    if isinstance(outcome, FlowError):
        assert outcome.span.render()
    else:
        assert json.dumps(outcome.to_json())


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS)
def test_printing_and_parsing_again_changes_nothing(text):
    """The canonical text of an expression compiles to the same tree and prints the same."""
    try:
        first = compile_expression(text, SCOPE)
    except FlowError:
        return
    again = compile_expression(first.canonical, SCOPE)
    assert again.tree() == first.tree()
    assert again.canonical == first.canonical


def arguments_of(data, overload, bound):
    count = len(overload.parameters) + (data.draw(st.integers(0, 2)) if overload.is_variadic else 0)
    for index in range(count):
        parameter = overload.parameter(index)
        name = {"any": bound, "T": bound}.get(parameter.type.name, parameter.type.name)
        choices = BY_TYPE.get(name)
        if choices is None:
            return
        item = st.sampled_from(choices)
        if parameter.type.is_collection:
            items = data.draw(st.lists(item, min_size=1, max_size=3))
            empty = data.draw(st.booleans())
            yield f"MakeEmptyList({items[0]})" if empty else f"MakeList({', '.join(items)})"
        else:
            yield data.draw(item)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_a_well_typed_call_keeps_its_promise(data):
    """Any overload called with fitting arguments gives a value of its type, or a FlowRuntimeError and nothing else."""
    overload = data.draw(st.sampled_from(find_overloads(data.draw(st.sampled_from(NAMES)))))
    bound = data.draw(st.sampled_from(["int", "str", "dec", "bln", "dtm", "dur", "cur", "jsn", "usr"]))
    arguments = list(arguments_of(data, overload, bound))
    if not overload.takes(len(arguments)):
        return
    expression = compile_expression(f"{overload.name}({', '.join(arguments)})", SCOPE)
    outcome = outcome_of(lambda: expression.evaluate(VALUES, HOST))
    if isinstance(outcome, FlowError):
        assert isinstance(outcome, FlowRuntimeError)
        assert outcome.span is not None
    else:
        assert is_of(outcome, expression.type)


KINDS = {"bln": "bool", "int": "int", "dec": "Decimal", "str": "str", "dtm": "datetime", "dur": "Duration",
         "cur": "Currency", "phn": "PhoneNumber", "dat": "date", "tim": "time"}  # fmt: skip


def is_of(value, of):
    if of.is_collection:
        return isinstance(value, tuple) and all(is_of(item, of.item) for item in value)
    if value is NOT_SET:
        return True
    wanted = KINDS.get(of.name)
    if wanted:
        return type(value).__name__ == wanted
    return isinstance(value, Json) if of.name == "jsn" else isinstance(value, Opaque | NetworkObject)


@settings(max_examples=500, deadline=None)
@given(
    st.text(alphabet=st.one_of(st.characters(), st.sampled_from('"\\()[]{}.,+-*/%^?:|&<>=!~ \tabT01_$')), max_size=200)
)
def test_no_text_crashes_the_compiler(text):
    """Arbitrary characters are compiled or refused, never crashed on."""
    outcome = outcome_of(lambda: compile_expression(text, SCOPE, Type("str")))
    assert isinstance(outcome, Expression) or outcome.span is not None


def test_variables_of_the_platform_are_marked_whoever_declares_them():
    """A variable of the platform's scopes is a `sysref` in the tree, also one that only the caller knows."""
    scope, _ = read_variables({}, {"Chat.Topic": "string", "Flow.topic": "string", "Call.Ani": "string"})
    keys = [next(iter(compile_expression(name, scope).tree())) for name in ("Chat.Topic", "Call.Ani", "Flow.topic")]
    assert keys == ["sysref", "sysref", "ref"]
