"""The catalogue of operators and functions against the official one, and against our own page."""

from pathlib import Path

import pytest

from flowlaunch.architect.expressions import evaluate_text
from flowlaunch.architect.functions.catalogue import find_overloads, function_names, read_signature

ROOT = Path(__file__).resolve().parents[2]
ORACLE = ROOT.parent / "shared" / "oracles" / "functions.tsv"
PAGE = ROOT / "docs" / "reference" / "expression-functions.md"
SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "pow": "^", "bitAnd": "&", "bitOr": "|", "bitNot": "~",
    "ter": "?", "not": "!", "neg": "-x", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "equ": "==", "neq": "!=",
    "bkt": "[",
}  # fmt: skip
COVERED = {
    ("ter", "(condition:bln?, trueValueAudio:aud, falseValueAudio:aud)"): "the overload for any type",
    ("If", "(condition:bln?, trueValueAudio:aud, falseValueAudio:aud)"): "the overload for any type",
    ("equ", "(valueToCompare:phn?, valueToCompareTo:phn?)"): "the overload for any type",
    ("neq", "(valueToCompare:phn?, valueToCompareTo:phn?)"): "the overload for any type",
    ("bkt", "(propertyName:str, objectWithProperties:any)"): "property access by name",
    ("ToBool", "(valueToReturn:bln)"): "NOT_SET is kept",
    ("ToLanguageSkill", "(valueToReturn:lac)"): "NOT_SET is kept",
    ("ToPhoneNumber", "(valueToConvert:str)"): "its own example gives it NOT_SET",
}


def shape(overload):
    marks = [
        f"{parameter.type.name}{'[]' * parameter.type.is_collection}{'?' * parameter.takes_not_set}"
        f"{'...' * parameter.repeats}"
        for parameter in overload.parameters
    ]
    returns = f"{overload.returns.name}{'[]' * overload.returns.is_collection}"
    return [mark.replace("any", "T") for mark in marks], returns.replace("any", "T")


def test_every_official_overload_is_there():
    """Every overload of the official catalogue is ours too: parameter types, NOT_SET flags, repetition, result."""
    if not ORACLE.is_file():
        pytest.skip("../shared is not beside this checkout")
    missing = []
    for line in ORACLE.read_text(encoding="utf-8").splitlines()[1:]:
        name, _, _, _, parameters, returns, *_ = line.split("\t")
        if name == "propAccess" or (name, parameters) in COVERED:
            continue
        inside = parameters.strip("()")
        wanted = [part.split(":")[1].replace("any", "T") for part in inside.split(", ")] if inside else []
        ours = [shape(overload) for overload in find_overloads(SYMBOLS.get(name, name))]
        if (wanted, returns.replace("any", "T")) not in ours:
            missing.append((name, parameters, returns))
    assert missing == []


def test_every_function_is_documented():
    """Each function has its line on the page of functions, and the page names no other."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("- `")]
    documented = {line[3:].partition("(")[0] for line in lines}
    assert documented == set(function_names())


def test_signatures_are_read():
    """A catalogue line gives name, parameters with their marks, and the result."""
    name, parameters, returns = read_signature("Sum(first: int?, next: int[]...) -> int[]")
    assert (name, returns.code) == ("Sum", "int_coll")
    assert [str(parameter) for parameter in parameters] == ["Integer", "Integer Collection..."]
    assert [parameter.takes_not_set for parameter in parameters] == [True, False]
    for broken in ("Sum()", "Sum(x) -> int", "Sum(x: int!) -> int"):
        with pytest.raises(ValueError, match=r"Sum|x"):
            read_signature(broken)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ToInt(NOT_SET)", "int"),
        ("ToCurrency(NOT_SET)", "cur"),
        ("IsSet(NOT_SET)", "bln"),
        ("FindQueue(NOT_SET)", "que"),
    ],
)
def test_the_bare_word_takes_the_type_of_the_result(text, code):
    """A function called with the bare word NOT_SET means the overload made for it: NOT_SET is of the result's type."""
    tree = evaluate_text(text).expression.tree()
    ((_, node),) = tree.items()
    assert node == {"type": code, "operands": [{"nul": {"type": code, "text": ""}}]}
