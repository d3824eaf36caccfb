"""Which properties values of a type have, and of which type they are.

Facts about names and types come from the official expression catalogue and compiled flows; the properties of newer
objects are those public flows and help pages mention. `*` stands for any property name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.architect.types import Type, type_of_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["find_property", "property_names"]

_NAMED: Final = "id:str name:str"
_TABLE: Final[Mapping[str, str]] = {
    "asp": "agent:usr score:dec",
    "con": "*:str",
    "cpx_email": "id:str subject:str body:str from:cpx_email_address to:cpx_email_address[]"
    " cc:cpx_email_address[] bcc:cpx_email_address[] replyTo:cpx_email_address date:dtm"
    " attachments:cpx_email_attachment[] htmlBody:str textBody:str inReplyTo:str messageId:str headers:jsn",
    "cpx_email_address": _NAMED,
    "cpx_email_attachment": "id:str name:str contentType:str contentSizeBytes:int contentLength:int url:str inline:bln",
    "cpx_external_contact": "id:str firstName:str middleName:str lastName:str salutation:str title:str"
    " workPhone:cpx_external_phone cellPhone:cpx_external_phone homePhone:cpx_external_phone"
    " otherPhone:cpx_external_phone workEmail:str personalEmail:str otherEmail:str address:cpx_external_address"
    " externalOrganization:cpx_external_organization externalSystemUrl:str surveyOptOut:bln type:str"
    " twitterId:jsn facebookId:jsn lineId:jsn whatsAppId:jsn externalIds:jsn customFields:jsn",
    "cpx_external_phone": "display:str e164:str extension:int acceptsSMS:bln countryCode:str userInput:str",
    "cpx_external_address": "address1:str address2:str city:str state:str postalCode:str countryCode:str",
    "cpx_external_organization": "id:str name:str companyType:str industry:str primaryContactId:str"
    " address:cpx_external_address phoneNumber:cpx_external_phone faxNumber:cpx_external_phone employeeCount:int"
    " revenue:int tags:str[] websites:str[] externalSystemUrl:str customFields:jsn",
    "cpx_short_message": "id:str body:str senderAddress:str recipientAddress:str media:cpx_message_media[]"
    " messageType:str toAddress:str fromAddress:str",
    "cpx_message_media": "id:str name:str url:str mediaType:str contentLengthBytes:int",
    "cpx_workitem": "id:str name:str description:str status:cpx_worktype_status statusCategory:str priority:int"
    " type:cpx_worktype workbin:cpx_workbin assignee:usr reporter:usr queue:que language:lac skills:skl[]"
    " externalTag:str externalContactId:str utilizationLabel:utl wrapup:wrc wrapupCode:wrc customFields:jsn"
    " dateCreated:dtm dateModified:dtm dateDue:dtm dateExpires:dtm dateClosed:dtm durationSeconds:int ttl:int"
    " assignmentState:str assignmentId:str autoStatusTransition:bln preferredAgents:usr[] modifiedBy:usr"
    " scoredAgents:asp[] division:str",
    "cpx_worktype": _NAMED,
    "cpx_worktype_status": "id:str name:str category:str description:str",
    "cpx_workbin": _NAMED,
    "cpx_knowledge_document": "id:str title:str",
    "cpx_location": _NAMED,
    "cre": "code:str name:str symbol:str",
    "cur": "amount:dec code:str",
    "emg": "id:str name:str active:bln",
    "fms": _NAMED,
    "foc": _NAMED,
    "grp": _NAMED,
    "jsn": "*:jsn",
    "lac": "id:str name:str languageTag:str",
    "lge": "tag:str name:str languageTag:str",
    "phn": "dialingCode:str e164:str subscriberNumber:str isGlobal:bln isSip:bln isTel:bln raw:str scheme:str uri:str",
    "pmt": _NAMED,
    "que": "id:str name:str description:str division:str estimatedWaitTime:dur",
    "rge": "dialingCode:str code:str name:str",
    "scg": "id:str name:str timezone:str timeZone:str active:bln",
    "sch": "id:str name:str active:bln",
    "sde": "*:str",
    "cte": "*:str",
    "skl": _NAMED,
    "tsl": "start:dtm duration:dur startTime:dtm",
    "usr": "id:str name:str username:str email:str emailAddress:str title:str department:str division:str"
    " chatJabberId:str state:str",
    "utl": _NAMED,
    "wrc": _NAMED,
    # formats, languages and regions: each property names one of them
    "blc": "*:bof",
    "cec": "*:cre",
    "ctc": "*:cte",
    "cuc": "*:cuf",
    "dac": "*:daf",
    "dlc": "*:dwc",
    "lcc": "*:lne",
    "lgc": "*:lne",
    "lnc": "*:lge",
    "lqc": "*:lne",
    "nuc": "*:nuf",
    "phc": "*:phf",
    "rec": "*:rge",
    "sec": "*:sde",
    "stc": "*:stf",
    "tic": "*:tif",
    "tpc": "*:tpf",
}
_PREFIXES: Final = {
    "blc": "bool",
    "cuc": "currency",
    "dac": "date",
    "nuc": "number",
    "phc": "phoneNumber",
    "stc": "string",
    "tic": "time",
    "tpc": "timePart",
}


def _read(text: str) -> dict[str, tuple[str, Type]]:
    pairs = (pair.split(":") for pair in text.split())
    return {name.lower(): (name, type_of_code(code)) for name, code in pairs}


_PROPERTIES: Final = {name: _read(text) for name, text in _TABLE.items()}


def find_property(of: Type, name: str) -> tuple[str, Type] | None:
    """Give the canonical name and the type of a property.

    A format's properties carry the format's name in compiled flows (`shortYear` of a date is `dateShortYear`).
    """
    known = _PROPERTIES.get(of.name, {})
    if of.is_collection:
        return None
    if "*" not in known:
        return known.get(name.lower())
    prefix = _PREFIXES.get(of.name)
    canonical = f"{prefix}{name[:1].upper()}{name[1:]}" if prefix else name
    return canonical, known["*"][1]


def property_names(of: Type) -> Iterable[str]:
    """Give the names of the known properties, for "did you mean"."""
    return (name for name, _ in _PROPERTIES.get(of.name, {}).values() if name != "*")
