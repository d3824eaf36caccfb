"""Built-in variables: their types, and the values of those that never change.

Source: help.mypurecloud.com/articles/architect-default-variables and compiled flows (checked 2026-11).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.iso import EARLIEST, LATEST
from flowlaunch.architect.numbers import CONTEXT, MAX_INT
from flowlaunch.architect.types import Type, type_of_code
from flowlaunch.architect.values import Duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowlaunch.architect.values import Value

__all__ = ["CONSTANTS", "builtin_names", "find_builtin", "is_own_scope", "is_system_scope"]

_TABLE: Final[Mapping[str, str]] = {
    "Call": "Ani:str CalledAddress:str CalledAddressOriginal:str Contact:con ContactId:str ContactList:cpx_contact_list"
    " ConversationId:str CurrentQueue:que CustomerExternalOrganizationId:str EstimatedWaitTime:dur ExternalTag:str"
    " Language:str PositionInQueue:int RemoteName:str UUIData:str IsTest:bln LastCollectedDTMF:str AfterCallWork:bln",
    "Chat": "ConversationId:str CurrentQueue:que Language:str PositionInQueue:int EstimatedWaitTime:dur",
    "Email": "ConversationId:str CurrentQueue:que Language:str Message:cpx_email PositionInQueue:int"
    " EstimatedWaitTime:dur",
    "Flow": "IsTest:bln StartDateTimeUtc:dtm",
    "Format": "Bool:blc Currency:cuc Date:dac Number:nuc PhoneNumber:phc String:stc Time:tic TimePart:tpc",
    "Language": "Case:lcc Gender:lgc Quantity:lqc",
    "Message": "ConversationId:str CurrentQueue:que Language:str Message:cpx_short_message PositionInQueue:int"
    " EstimatedWaitTime:dur CustomAttributes:jsn",
    "Session": "LastKnowledgeAnswer:str Id:str Language:str LastUserInput:str LastUtterance:str"
    " LastCollectionUtterance:str LastIntentName:str Intent:str InterpretedUtterance:str Channel:str",
    "Survey": "Url:str ConversationId:str SurveyId:str Agent:usr Contact:cpx_external_contact",
    "System": "MaxInt:int MinInt:int MaxDecimal:dec MinDecimal:dec MaxDateTime:dtm MinDateTime:dtm MaxDuration:dur"
    " MinDuration:dur MaxInteger:int MinInteger:int Conversation:ctc Currencies:cec DateTime:dlc Languages:lnc"
    " Regions:rec Survey:sec CurrentDateTimeUtc:dtm",
    "Workitem": "EventType:str Workitem:cpx_workitem ChangedAttributes:str[] PreviousWorkitem:cpx_workitem"
    " ConversationId:str Delta:jsn",
    "Voicemail": "ConversationId:str CurrentQueue:que Language:str",
}
_OWN_SCOPES: Final = frozenset({"flow", "state", "task", "common", "slot", "prompt"})
"""Scopes whose variables the flow itself declares."""

_SYSTEM_SCOPES: Final = frozenset(scope.lower() for scope in _TABLE) - _OWN_SCOPES

_PROMPT_SCOPES: Final = {"prompt": "Prompt", "promptsystem": "PromptSystem"}


def _read() -> dict[str, tuple[str, Type]]:
    found: dict[str, tuple[str, Type]] = {}
    for scope, text in _TABLE.items():
        for pair in text.split():
            name, code = pair.split(":")
            found[f"{scope}.{name}".lower()] = (f"{scope}.{name}", type_of_code(code))
    return found


_BUILTINS: Final = _read()

CONSTANTS: Final[Mapping[str, Value]] = {
    "system.maxint": MAX_INT,
    "system.minint": -MAX_INT,
    "system.maxinteger": MAX_INT,
    "system.mininteger": -MAX_INT,
    "system.maxdecimal": CONTEXT.create_decimal("9" * CONTEXT.prec),
    "system.mindecimal": Decimal(-1) * CONTEXT.create_decimal("9" * CONTEXT.prec),
    "system.maxdatetime": LATEST,
    "system.mindatetime": EARLIEST,
    "system.maxduration": Duration(MAX_INT),
    "system.minduration": Duration(-MAX_INT),
}
"""Values of built-in variables that never change, by name in lower case."""


def find_builtin(name: str) -> tuple[str, Type] | None:
    """Give canonical name and type of a built-in variable, or of a prompt (every name after `Prompt.`)."""
    scope, dot, rest = name.partition(".")
    prompts = _PROMPT_SCOPES.get(scope.lower())
    if prompts and dot:
        return f"{prompts}.{rest}", Type("pmt")
    return _BUILTINS.get(name.lower())


def is_own_scope(name: str) -> bool:
    """Tell whether a variable's scope is one whose variables a flow declares, e.g. `Flow` or `Task`."""
    return name.partition(".")[0].lower() in _OWN_SCOPES


def is_system_scope(name: str) -> bool:
    """Tell whether a variable's scope is one whose variables the platform declares, e.g. `Call` or `Email`."""
    return name.partition(".")[0].lower() in _SYSTEM_SCOPES


def builtin_names() -> Iterable[str]:
    """Give the canonical names of all built-in variables, for "did you mean"."""
    return (name for name, _ in _BUILTINS.values())
