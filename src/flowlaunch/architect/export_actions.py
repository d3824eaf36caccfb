"""How each action of an export is spelt in Archy: its key, its output paths and its fields.

Seen in workflow exports: DataAction, DecisionAction, DataTableLookupAction, EndWorkflowAction, LoopAction,
SetConversationDataAction, UpdateVariableAction, WaitAction. The names in `KEYS` are those of public tools that read
exports. The fields of all the others are guesses by the same pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from flowlaunch.architect.actions.perform import KINDS as PERFORMED
from flowlaunch.architect.types import key_of_type, type_of_code

if TYPE_CHECKING:
    from flowlaunch.architect.export_values import Maker
    from flowlaunch.architect.nodes import Node

__all__ = ["FIELDS", "KEYS", "PATHS"]

Entries: TypeAlias = "list[tuple[str, Node]]"
Refs: TypeAlias = Mapping[str, str]
Chains: TypeAlias = "dict[str, Node]"
FieldsOf: TypeAlias = Callable[[dict[str, Any], "Maker", Refs, Chains], Entries]

KEYS: Final = {
    "UpdateVariableAction": "updateData",
    "DataAction": "callData",
    "SecureDataAction": "callDataSecure",
    "CallTaskAction": "callTask",
    "TaskAction": "callTask",
    "TransferTaskAction": "jumpToTask",
    "ExitLoopAction": "loopExit",
    "NextLoopAction": "loopNext",
    "SetAttributesAction": "setParticipantData",
    "GetAttributesAction": "getParticipantData",
    "SetLocaleAction": "setLanguage",
    "ScreenPopAction": "setScreenPop",
}
PATHS: Final = {
    "__YES__": "yes",
    "__NO__": "no",
    "__SUCCESS__": "success",
    "__FAILURE__": "failure",
    "__TIMEOUT__": "timeout",
    "__FOUND__": "found",
    "__NOT_FOUND__": "notFound",
    "__LOOP__": "loop",
    "__DEFAULT__": "default",
    "__ACTIVE__": "active",
    "__INACTIVE__": "inactive",
    "__OPEN__": "open",
    "__CLOSED__": "closed",
    "__HOLIDAY__": "holiday",
    "__EMERGENCY__": "emergency",
}


def _update_data(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    statements = []
    for item in _dicts(given.get("variables")):
        target = item.get("variable")
        kind = str(target.get("type", "any")) if isinstance(target, dict) else "any"
        body = make.table([("variable", _name(make, target)), ("value", make.value(item.get("expression")))])
        statements.append(make.one(key_of_type(type_of_code(kind)), body))
    return [("statements", make.listing(statements))]


def _name(make: Maker, target: Any) -> Node:
    text = target.get("text") if isinstance(target, dict) else None
    return make.text(text if isinstance(text, str) else "")


def _decision(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    return [("condition", make.value(given.get("expression")))]


def _loop(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    return [
        ("currentIndex", make.receiver(given.get("currentIndex"))),
        ("loopCount", make.value(given.get("loopCount"))),
    ]


def _wait(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    trim = given.get("trimDurationNearMaxRunningTime")
    return [
        ("duration", make.value(given.get("duration"))),
        ("trimDurationNearMaxRunningTime", make.value(trim)),
    ]


def _end_workflow(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    return [("exitReason", make.value(given.get("exitReason")))]


def _call_data(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    group = given.get("category")
    category = _text(group, "name") if isinstance(group, dict) else str(group or "")
    body = make.table(
        [
            ("inputs", _named(given.get("inputs"), make.value, make)),
            ("successOutputs", _named(given.get("outputs"), make.receiver, make)),
            ("failureOutputs", _named(given.get("errorBindings"), make.receiver, make)),
        ]
    )
    action = make.one("dataAction", make.one(_text(given, "actionName"), body))
    # A suggested timeout is the action's own, which Archy writes by leaving the field out.
    suggested = given.get("useSuggestedTimeout") is True
    timeout = make.no_value() if suggested else make.value(given.get("timeout"))
    return [("category", make.one(category, action)), ("timeout", timeout)]


def _table_lookup(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    body = make.table(
        [
            ("foundOutputs", _named(given.get("outputs"), make.receiver, make)),
            ("failureOutputs", _named(given.get("errorBindings"), make.receiver, make)),
        ]
    )
    return [
        ("lookupValue", make.value(given.get("lookupKeyValue"))),
        ("dataTable", make.one(_text(given, "datatableName"), body)),
    ]


def _set_conversation(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    return [*_conversation(given, make), ("attributes", _attributes(given, make, "value", make.value))]


def _get_conversation(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    return [*_conversation(given, make), ("attributes", _attributes(given, make, "variable", make.receiver))]


def _set_participant(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    return [("attributes", _attributes(given, make, "value", make.value))]


def _get_participant(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    return [("attributes", _attributes(given, make, "variable", make.receiver))]


def _conversation(given: dict[str, Any], make: Maker) -> Entries:
    return [(field, make.value(given.get(field))) for field in ("conversationId", "participantId")]


def _attributes(given: dict[str, Any], make: Maker, field: str, read: Callable[[Any], Node]) -> Node:
    """In an export the attribute's name is the `variable` and what is set or filled the `expression`."""
    return make.listing(
        make.one(
            "attribute",
            make.table([("name", make.value(item.get("variable"))), (field, read(item.get("expression")))]),
        )
        for item in _dicts(given.get("variables"))
    )


def _switch(given: dict[str, Any], make: Maker, _refs: Refs, chains: Chains) -> Entries:
    """Cases carry their own next action; a switch with a value compares, one without takes the first true."""
    cases = []
    for number, case in enumerate(_dicts(given.get("cases")), 1):
        output = _text(case, "outputId") or str(number)
        actions = chains.pop(output, make.listing(()))
        value = make.value(case.get("value") or case.get("expression"))
        cases.append(make.one("case", make.table([("value", value), ("actions", actions)])))
    default = make.one("actions", chains.pop("default", make.listing(())))
    entries: Entries = [("cases", make.listing(cases)), ("default", default)]
    subject = given.get("value") or given.get("expression")
    if isinstance(subject, dict) and subject.get("text"):
        key = key_of_type(type_of_code(str(subject.get("type", "str"))))
        body = make.table([("value", make.value(subject)), *entries])
        return [("evaluate", make.one("firstMatch", make.one(key, body)))]
    return [("evaluate", make.one("firstTrue", make.table(entries)))]


def _go_to(field: str) -> FieldsOf:
    """Read a jump: whichever field of the action holds the id of a state or task is its target."""

    def read(given: dict[str, Any], make: Maker, refs: Refs, _chains: Chains) -> Entries:
        ids = (value for key, value in given.items() if isinstance(value, str) and key not in {"id", "nextAction"})
        target = next((refs[value] for value in ids if value in refs), "")
        return [(field, make.text(target))]

    return read


def _end_task(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    path = given.get("outputPath")
    name = _text(path, "name") if isinstance(path, dict) else str(path or "")
    return [("outputPath", make.text(name))] if name else []


def _module(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    name = _text(given, "commonModuleName") or _text(given, "flowName") or _text(given.get("commonModule"), "name")
    version = _text(given, "flowVersion") or "latestPublished"
    body = make.table(
        [
            ("inputs", _named(given.get("inputs"), make.value, make)),
            ("outputs", _named(given.get("outputs"), make.receiver, make)),
        ]
    )
    return [("commonModule", make.one(name, make.one(f"ver_{version}", body)))]


def _find(key: str, result: str) -> FieldsOf:
    def read(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
        return [(key, make.value(given.get(key))), (result, make.receiver(given.get(result)))]

    return read


def _nothing(_given: dict[str, Any], _make: Maker, _refs: Refs, _chains: Chains) -> Entries:
    return []


def _named(given: Any, read: Callable[[Any], Node], make: Maker) -> Node:
    return make.table((_text(item, "name"), read(item.get("value"))) for item in _dicts(given))


def _text(given: Any, key: str) -> str:
    value = given.get(key) if isinstance(given, dict) else None
    return value if isinstance(value, str) else ""


def _dicts(given: Any) -> list[dict[str, Any]]:
    return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []


def _performed(names: tuple[str, ...]) -> FieldsOf:
    """Read an action that is only recorded: those of its fields that hold a value."""

    def read(given: dict[str, Any], make: Maker, _refs: Refs, _chains: Chains) -> Entries:
        held = ((name, given.get(name)) for name in names)
        return [(name, make.value(value)) for name, value in held if isinstance(value, dict) and "config" in value]

    return read


FIELDS: Final[Mapping[str, FieldsOf]] = {
    **{key: _performed(kind.fields) for key, kind in PERFORMED.items()},
    "updateData": _update_data,
    "decision": _decision,
    "loop": _loop,
    "wait": _wait,
    "endWorkflow": _end_workflow,
    "callData": _call_data,
    "callDataSecure": _call_data,
    "dataTableLookup": _table_lookup,
    "setConversationData": _set_conversation,
    "getConversationData": _get_conversation,
    "setParticipantData": _set_participant,
    "getParticipantData": _get_participant,
    "switch": _switch,
    "changeState": _go_to("targetStateRef"),
    "callTask": _go_to("targetTaskRef"),
    "jumpToTask": _go_to("targetTaskRef"),
    "endTask": _end_task,
    "loopExit": _nothing,
    "loopNext": _nothing,
    "endState": _nothing,
    "callCommonModule": _module,
    "findQueue": _find("findName", "findResult"),
    "findQueueById": _find("findId", "findResult"),
    "findUser": _find("findName", "findResult"),
    "findUserById": _find("findId", "findResult"),
    "findSkill": _find("findName", "findResult"),
    "findLanguageSkill": _find("findName", "findResult"),
    "findGroup": _find("findName", "findResult"),
    "findSchedule": _find("findName", "findResult"),
    "findScheduleGroup": _find("findName", "findResult"),
    "findEmergencyGroup": _find("findName", "findResult"),
    "getExternalContact": _find("externalId", "externalResult"),
    "getExternalOrganization": _find("externalId", "externalResult"),
}
