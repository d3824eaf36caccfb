"""The types of the expression language and the names that flows, trees and people use for them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final

from flowlaunch.errors import FlowNameError

__all__ = ["Type", "key_of_type", "type_of_code", "type_of_variable_key"]

TITLES: Final = {
    "any": "Any",
    "asp": "Agent Score Pair",
    "apa": "Audio or Prompt",
    "aud": "Audio",
    "bln": "Boolean",
    "com": "Communication",
    "con": "Contact",
    "cpx_email": "Email",
    "cpx_email_address": "Email Address",
    "cpx_short_message": "Message",
    "cpx_workitem": "Workitem",
    "cpx_worktype_status": "Workitem Status",
    "cur": "Currency",
    "dat": "Date",
    "dec": "Decimal",
    "dtm": "DateTime",
    "dur": "Duration",
    "emg": "Emergency Group",
    "fms": "Flow Milestone",
    "foc": "Flow Outcome",
    "grp": "Group",
    "int": "Integer",
    "jsn": "JSON",
    "lac": "Language Skill",
    "nts": "NOT_SET",
    "phn": "Phone Number",
    "pmt": "Prompt",
    "que": "Queue",
    "scg": "Schedule Group",
    "sch": "Schedule",
    "skl": "Skill",
    "str": "String",
    "tim": "Time",
    "tsl": "Timeslot",
    "usr": "User",
    "utl": "Utilization Label",
    "wrc": "Wrapup Code",
}


@dataclass(frozen=True, slots=True)
class Type:
    """One type: a scalar, or a collection of scalars.

    Attributes:
        name: short name of the scalar, e.g. `str`, `int`, `usr`.
        is_collection: whether it is a collection of them.

    """

    name: str
    is_collection: bool = False

    @property
    def code(self) -> str:
        """Give the name compiled flows use, e.g. `str` or `str_coll`."""
        return f"{self.name}_coll" if self.is_collection else self.name

    @property
    def title(self) -> str:
        """Give the name people use, e.g. `String Collection`."""
        title = TITLES.get(self.name) or self.name.removeprefix("cpx_").replace("_", " ").title()
        return f"{title} Collection" if self.is_collection else title

    @property
    def noun(self) -> str:
        """Give the title with its article, e.g. `an Integer`."""
        return f"{'an' if self.title[0] in 'AEIO' else 'a'} {self.title}"

    @property
    def item(self) -> Type:
        """Give the type of one item."""
        return Type(self.name)

    @property
    def collection(self) -> Type:
        """Give the type of a collection of these."""
        return Type(self.name, is_collection=True)

    def __str__(self) -> str:
        return self.code


def type_of_code(code: str) -> Type:
    """Read a type's name as compiled flows write it: `str`, `str_coll`; also `str[]`."""
    for suffix in ("_coll", "[]"):
        if code.endswith(suffix):
            return Type(code.removesuffix(suffix), is_collection=True)
    return Type(code)


ANY: Final = Type("any")
AUD: Final = Type("aud")
BLN: Final = Type("bln")
COM: Final = Type("com")
CUR: Final = Type("cur")
DAT: Final = Type("dat")
DEC: Final = Type("dec")
DTM: Final = Type("dtm")
DUR: Final = Type("dur")
INT: Final = Type("int")
JSN: Final = Type("jsn")
NTS: Final = Type("nts")
PHN: Final = Type("phn")
PMT: Final = Type("pmt")
STR: Final = Type("str")
TIM: Final = Type("tim")

_KEYS: Final = {
    "audio": "aud",
    "boolean": "bln",
    "communication": "com",
    "contact": "con",
    "currency": "cur",
    "date": "dat",
    "dateTime": "dtm",
    "decimal": "dec",
    "duration": "dur",
    "email": "cpx_email",
    "emailAddress": "cpx_email_address",
    "emailAttachment": "cpx_email_attachment",
    "emergencyGroup": "emg",
    "externalContact": "cpx_external_contact",
    "externalOrganization": "cpx_external_organization",
    "externalTag": "ext",
    "flowMilestone": "fms",
    "flowOutcome": "foc",
    "grammar": "grm",
    "group": "grp",
    "integer": "int",
    "json": "jsn",
    "knowledgeBaseDocument": "cpx_knowledge_document",
    "languageSkill": "lac",
    "location": "cpx_location",
    "message": "cpx_short_message",
    "messageMedia": "cpx_message_media",
    "phoneNumber": "phn",
    "prompt": "pmt",
    "queue": "que",
    "schedule": "sch",
    "scheduleGroup": "scg",
    "skill": "skl",
    "string": "str",
    "systemPrompt": "pmt",
    "time": "tim",
    "timeslot": "tsl",
    "user": "usr",
    "userPrompt": "pmt",
    "utilizationLabel": "utl",
    "workbin": "cpx_workbin",
    "workitem": "cpx_workitem",
    "worktype": "cpx_worktype",
    "worktypeStatus": "cpx_worktype_status",
    "workitemStatus": "cpx_worktype_status",
    "wrapupCode": "wrc",
}
_BY_LOWER_KEY: Final = {key.lower(): Type(name) for key, name in _KEYS.items()}
_KEY_BY_NAME: Final = {name: key for key, name in reversed(_KEYS.items())}


def type_of_variable_key(key: str) -> Type:
    """Read the type out of a YAML key such as `stringVariable`, `stringCollectionVariable` or `string`.

    Raises:
        FlowNameError: no variable type is called so.

    """
    stem = key.removesuffix("Variable")
    is_collection = stem.endswith("Collection")
    stem = stem.removesuffix("Collection")
    found = _BY_LOWER_KEY.get(stem.lower())
    if found is None:
        close = difflib.get_close_matches(stem, _KEYS, n=1)
        hint = f"Did you mean `{close[0]}`?" if close else f"Known types: {', '.join(sorted(_KEYS))}."
        raise FlowNameError(f"there is no variable type `{key}`", hint=hint)
    return found.collection if is_collection else found


def key_of_type(of: Type) -> str:
    """Give the YAML stem of a type, e.g. `stringCollection`; the reverse of `type_of_variable_key`."""
    stem = _KEY_BY_NAME.get(of.name, of.name)
    return f"{stem}Collection" if of.is_collection else stem
