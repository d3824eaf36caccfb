"""Collections, JSON, lookups, phone numbers, voice and bot values."""

from decimal import Decimal

import pytest

from flowlaunch.architect.codec import to_json
from flowlaunch.architect.expressions import compile_expression, evaluate_text
from flowlaunch.architect.standalone import MapScope, StillHost
from flowlaunch.architect.types import Type
from flowlaunch.architect.values import NOT_SET, Json, NetworkObject, Opaque
from flowlaunch.errors import FlowNameError, FlowRuntimeError, FlowTypeError

ANN = NetworkObject("usr", "u-1", "Ann", {"username": "ann@c.example", "email": "ann@c.example"})
SALES = NetworkObject("que", "11111111-2222-3333-4444-555555555555", "Sales")
HOST = StillHost(objects=(ANN, SALES))
DOCUMENT = {"a": {"b": [1, 2.5, "x", None, True]}, "n": None, "text": "t", "odd name": 1, "count": 3}
CONTACT = {
    "id": "c-1",
    "firstName": "Ada",
    "workPhone": {"e164": "+13178723000", "extension": 7, "display": "317"},
    "externalOrganization": {"id": "o-1", "name": "Acme", "tags": ["a", "b"]},
    "surveyOptOut": "maybe",
}

CASES = [
    ("AddItem(MakeList(3, 4), 5)", (3, 4, 5)),
    ("AddItem(MakeList(3), 4, 5)", (3, 4, 5)),
    ("AddItemAt(MakeList(3, 4), 0, 7)", (7, 3, 4)),
    ("AddItemAt(MakeList(3, 4), 2, 7)", (3, 4, 7)),
    ('RemoveDups(MakeList("a", "b", "a", NOT_SET, NOT_SET))', ("a", "b", NOT_SET)),
    ("RemoveItem(MakeList(1, 2, 1), 1)", (2,)),
    ("RemoveItemAt(MakeList(1, 2, 1), 1)", (1, 1)),
    ("ReplaceItem(MakeList(1, 2, 1), 1, 9)", (9, 2, 9)),
    ("ReplaceItemFirst(MakeList(1, 2, 1), 1, 9)", (9, 2, 1)),
    ("ReplaceItemFirst(MakeList(1), 5, 9)", (1,)),
    ("ReplaceItemAt(MakeList(1, 2, 1), 2, NOT_SET)", (1, 2, NOT_SET)),
    ("Find(MakeList(1, 2, 1), 1)", (0, 2)),
    ('FindFirst(MakeList("a", "A"), "A")', 1),
    ("FindFirst(MakeList(1.0), 2.0)", -1),
    ("GetAt(MakeList(1, 2), 1) + MakeList(5)[0]", 7),
    ("Count(MakeEmptyList(NOT_SET))", 0),
    ('ToString(MakeList(1, NOT_SET, 3), ",")', "1,,3"),
    ("ToString(MakeList(true, false))", "true\nfalse"),
    ("ToString(Flow.j.a.b)", '[1,2.5,"x",null,true]'),
    ("ToString(Flow.j.text)", "t"),
    ("Flow.j.missing", NOT_SET),
    ("Flow.j.n", NOT_SET),
    ("IsSet(Flow.j.TEXT)", False),
    ('ToInt(Flow.j."odd name")', 1),
    ('ToInt(Flow.j["count"]) + 1', 4),
    ('GetJsonObjectProperty(Flow.j, "text")', Json("t")),
    ("Flow.j.a.b[1]", Json(Decimal("2.5"))),
    ("ToDecimal(Flow.j.a.b[1])", Decimal("2.5")),
    ("ToBool(Flow.j.a.b[4])", True),
    ("Count(ToJsonCollection(Flow.j.a.b))", 5),
    ("ToJsonCollection(Flow.j.a.b)[2]", Json("x")),
    ('JsonParse("{\\"x\\": 1.10}").x', Json(Decimal("1.10"))),
    ('ToString(JsonParse("{\\"x\\": 1.10}"))', '{"x":1.10}'),
    ('JsonParse("")', NOT_SET),
    ('ToString(SetJsonObjectProperty(JsonParse("{}"), "k", MakeList("a", "b")))', '{"k":["a","b"]}'),
    ('ToString(SetJsonObjectProperty(JsonParse("{\\"k\\":1}"), "k", NOT_SET))', '{"k":null}'),
    ("GetJsonObjectPropertyNames(Flow.j)", ("a", "n", "text", "odd name", "count")),
    ("IsJsonObject(Flow.j)", True),
    ("IsJsonArray(Flow.j.a.b)", True),
    ("IsJsonNumber(Flow.j.a.b[4])", False),
    ('ToString(ReplaceJsonArrayItem(ToJson(MakeList(1, 2)), 0, "z"))', '["z",2]'),
    ('ToString(ToJson(MakeCurrency(1.5, "USD")))', '{"amount":1.5,"code":"USD"}'),
    ("ToJson(5) == ToJson(5)", True),
    ("Flow.j == Flow.j", True),
    ('FindUser("ann@c.example").name', "Ann"),
    ('FindUserById("u-1") == FindUser("ANN@c.example")', True),
    ('FindQueue("sales").id', SALES.id),
    (f'FindQueue("{SALES.id}").name', "Sales"),
    ('FindQueue("nobody")', NOT_SET),
    ("FindSkill(NOT_SET)", NOT_SET),
    ('ToString(FindUser("ann@c.example"))', "ann@c.example"),
    ('ToString(FindQueue("Sales"))', "Sales"),
    ('ToString(ToUser("bob@c.example"))', "bob@c.example"),
    ('ToPhoneNumber("+1 (317) 872-3000").e164', "+13178723000"),
    ('ToPhoneNumber("+49 30 901820").dialingCode', "49"),
    ('ToPhoneNumber("+49 30 901820").subscriberNumber', "30901820"),
    ('ToPhoneNumber("sip:joe@c.example").isSip', True),
    ('ToPhoneNumber("joe@c.example").scheme', "sip"),
    ('ToPhoneNumber("030 901820").isGlobal', False),
    ('ToPhoneNumber("030 901820").E164', NOT_SET),
    ('ToPhoneNumber("030-901820") == ToPhoneNumber("tel:030901820")', True),
    ('ToString(ToPhoneNumber("+1 317 872 3000"))', "tel:+1 317 872 3000"),
    ('ToAudioTTS("Hello") + ToAudioNumber(5)', Opaque("aud", "Hello 5")),
    ("AudioPlaybackOptions(Prompt.Welcome, true)", Opaque("aud", "Welcome")),
    ('MakeCommunication("You said", 5, "?")', Opaque("com", "You said 5?")),
    ("ToDisplayString(MakeList(1, 2))", "1, 2"),
    ("Format.Date.shortYear", Opaque("daf", "shortYear")),
    ("Flow.j[Flow.key]", Json("t")),
    ("GetJsonArrayLength(Flow.j.a.b)", 5),
    ("GetJsonArrayItem(Flow.j.a.b, 3)", NOT_SET),
    ("ToString(RemoveJsonArrayItem(Flow.j.a.b, 1))", '[1,"x",null,true]'),
    ('ToString(RemoveJsonObjectProperty(JsonParse("{\\"k\\":1,\\"l\\":2}"), "k"))', '{"l":2}'),
    ('HasJsonObjectProperty(Flow.j, "n")', True),
    ("ToJson(NOT_SET)", NOT_SET),
    ("ToInt(ToJson(true))", 1),
    ('ToDateTime(ToJson(0)) == ToDateTime("1970-01-01")', True),
    ("ToDuration(ToJson(1000)) == MakeDuration(0, 0, 0, 1)", True),
    ("Flow.contact.firstName", "Ada"),
    ("Flow.contact.workPhone.e164", "+13178723000"),
    ("Flow.contact.workPhone.extension + 1", 8),
    ("Flow.contact.lastName", NOT_SET),
    ("ToString(Flow.contact.workPhone)", "317"),
    ("Flow.contact.workPhone == Flow.contact.workPhone", True),
    ("ToString(Flow.contact)", "c-1"),
    ("Count(Flow.contact.externalOrganization.tags)", 2),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_object_functions(text, wanted):
    """Collections, JSON documents, directory objects, phone numbers and stubs behave as the language says."""
    variables = {"Flow.j": DOCUMENT, "Flow.key": "text", "Flow.contact": CONTACT}
    found = evaluate_text(text, variables, types={"Flow.contact": "externalContact"}, host=HOST).value
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("GetAt(MakeList(1), 1)", "index 1 is outside a collection of 1 item"),
        ("MakeList(1)[-1]", "index -1"),
        ("AddItemAt(MakeList(1), 2, 5)", "index 2"),
        ("RemoveItemAt(MakeEmptyList(1), 0)", "0 items"),
        ('JsonParse("{a: 1}")', "not JSON at character 1"),
        ('JsonParse("NaN")', "not JSON"),
        ("Flow.j.n.deeper", "NOT_SET, so it has no property 'deeper'"),
        ("Flow.j.text.deeper", "not an object"),
        ("Flow.j.text[0]", "not an array"),
        ("ToInt(Flow.j.a)", "cannot be converted"),
        ("ToJsonCollection(Flow.j)", "needs a JSON array"),
        ('GetJsonObjectProperty(Flow.j.a.b, "x")', "not an object"),
        ('ToPhoneNumber("no number")', "not a phone number"),
        ('FindQueue("nobody").id', "has no property 'id'"),
        ("Call.Contact.delay", "`Call.Contact` is NOT_SET"),
        ("Flow.contact.surveyOptOut", "property 'surveyOptOut' must be a Boolean"),
        ("Flow.j[ToString(NOT_SET)]", "NOT_SET"),
        ("Flow.j.text[ToString(Flow.j.text)]", "not an object"),
    ],
)
def test_objects_that_do_not_have_what_is_asked(text, says):
    """Indexes out of range, properties of NOT_SET and wrong JSON kinds are run-time errors with a place."""
    with pytest.raises(FlowRuntimeError, match=says) as caught:
        evaluate_text(
            text, {"Flow.j": DOCUMENT, "Flow.contact": CONTACT}, types={"Flow.contact": "externalContact"}, host=HOST
        )
    assert caught.value.span is not None


@pytest.mark.parametrize(
    ("text", "kind", "message", "hint"),
    [
        ('Lowr("A")', FlowNameError, "there is no function `Lowr`", "Did you mean `Lower`?"),
        ('ToUpper("A")', FlowNameError, "there is no function `ToUpper`", "Did you mean `Upper`?"),
        ("Flow.jj", FlowNameError, "there is no variable `Flow.jj`", "Did you mean `Flow.j`?"),
        ("Task.j", FlowNameError, "there is no variable `Task.j`", "Did you mean `Flow.j`?"),
        ("null", FlowNameError, "there is no variable `null`", "NOT_SET"),
        ("True", FlowNameError, "there is no variable `True`", "Write `true` exactly so."),
        ('ToPhoneNumber("+1").e614', FlowNameError, "a Phone Number has no property `e614`", "Did you mean `e164`?"),
        ("MakeList(1).id", FlowNameError, "an Integer Collection has no property `id`", "Take one item first"),
        ('"a".id', FlowNameError, "a String has no property `id`", "have no properties"),
        (
            "Left(1, 2)",
            FlowTypeError,
            "argument 1 ('srcString') of 'Left' must be a String, but is an Integer",
            "ToString",
        ),
        ('Left("a")', FlowTypeError, "the function 'Left' takes 2 arguments, but 1 was given", "Left(String, Integer)"),
        ("GetCurrentDateTimeUtc(1)", FlowTypeError, "takes no arguments, but 1 was given", ""),
        ('MakeList(1, "a")', FlowTypeError, "no version of the function 'MakeList' takes (Integer, String)", "Any"),
        ('1 + "a"', FlowTypeError, "the operator '+' cannot be used on Integer and String", "ToString(...)"),
        ("Flow.j.x == 1", FlowTypeError, "cannot be used on JSON and Integer", "Convert the JSON value"),
        ('If(true, 1, "a")', FlowTypeError, "no version of the function 'If' takes (Boolean, Integer, String)", ""),
        ('true ? 1 : "a"', FlowTypeError, "the operator '? :' cannot be used", ""),
        ('"abc"[0]', FlowTypeError, "only collections have items, but this is a String", "Split"),
        ('MakeList(1)["a"]', FlowTypeError, "an index must be an Integer, but is a String", "ToInt"),
        ("ToString()", FlowTypeError, "the function 'ToString' takes", ""),
    ],
)
def test_what_does_not_fit_is_explained(text, kind, message, hint):
    """Unknown names are answered with the likely one, wrong types with what was wanted and how to get it."""
    with pytest.raises(kind) as caught:
        evaluate_text(text, {"Flow.j": DOCUMENT})
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "^" in caught.value.span.render()


def test_only_the_root_is_converted():
    """A slot's type converts the whole result once; operands and arguments are never converted."""
    converted = evaluate_text("Flow.j.count", {"Flow.j": DOCUMENT}, want="string")
    assert (converted.value, converted.expression.canonical) == ("3", "ToString(Flow.j.count)")
    assert evaluate_text('"12"', want="integer").value == 12
    assert evaluate_text("MakeDuration(0, 1, 0, 0)", want="str").value == "PT1H"
    assert evaluate_text("5", want="int").expression.canonical == "5"
    assert evaluate_text("NOT_SET", want="integer").expression.tree() == {"nul": {"type": "int", "text": ""}}
    for text, want in (('"a"', "user"), ("MakeList(1)", "stringCollection"), ("1", "integerCollection")):
        with pytest.raises(FlowTypeError, match="this must be a"):
            evaluate_text(text, want=want)


def test_an_evaluation_is_json_able():
    """Whatever an expression gives can be written as JSON."""
    shown = evaluate_text('MakeList(MakeCurrency(1.5, "USD"), NOT_SET)').to_json()
    assert shown == [{"amount": 1.5, "code": "USD"}, None]
    assert to_json(Json({"a": [Decimal("1.5")]})) == {"a": [1.5]}
    assert evaluate_text('ToPhoneNumber("+13178723000")').to_json() == "+13178723000"


def repeat(step, document, turns):
    for _ in range(turns):
        document = step.evaluate({"flow.j": document}, HOST)


def test_a_json_value_cannot_grow_without_bound():
    """Putting a document into itself again and again ends in a run-time error, not in a hang."""
    for start, text in (({}, 'SetJsonObjectProperty(Flow.j, "k", Flow.j)'), ([1], "AddJsonArrayItem(Flow.j, Flow.j)")):
        step = compile_expression(text, MapScope({"Flow.j": Type("jsn")}))
        with pytest.raises(FlowRuntimeError, match="would hold more than"):
            repeat(step, Json(start), 300)
