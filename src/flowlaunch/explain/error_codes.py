"""The platform's error codes: what each means and what to do. Other codes are printed verbatim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["CODES", "CODES_BY_NAME", "STATUSES", "TOKEN_ERRORS", "ErrorCode", "code_entry"]

_SPEC: Final = "official API description of 2018, flow operations (x-inin-error-codes)"
_ANNOUNCED: Final = "official announcement of the normalized 429 answers (forum 12028)"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code. `repeat` says what it means for repeating the request."""

    code: str
    cause: str
    cure: str
    repeat: str = "Nothing was done; the same request will fail again."
    evidence: str = "official"
    source: str = _SPEC


_IN_DOUBT: Final = "If this answered a launch, the flow may be running: do not repeat it before you know."
_ROLE: Final = "give the OAuth client a role that holds the permission named, in the flow's division"

CODES: Final = (
    ErrorCode("bad.request", "the body or a parameter is malformed", "compare it with the operation's fields"),
    ErrorCode("invalid.value", "a parameter has a value that is not allowed", "see `details` for its name"),
    ErrorCode("invalid.date", "a date cannot be read", "write ISO 8601 with an offset: 2026-11-21T10:00:00Z"),
    ErrorCode(
        "authentication.required",
        "the request carried no bearer token",
        "send Authorization: Bearer <token>; a proxy may have dropped it",
        "Nothing was done; repeat it with a token.",
    ),
    ErrorCode(
        "bad.credentials",
        "the token is wrong, expired or revoked, or belongs to another region",
        "get a new token from the login host of the org's own region",
        "Nothing was done; repeat it once with a new token.",
    ),
    ErrorCode("missing.permissions", "the client lacks the permissions named", _ROLE),
    ErrorCode("missing.any.permissions", "the client has none of the permissions named", _ROLE),
    ErrorCode("not.authorized", "the client may not do this", _ROLE),
    ErrorCode("architect.missing.permission", "the client lacks an Architect permission", _ROLE),
    ErrorCode(
        "not.found",
        "the thing asked for does not exist, or is in a division that the client may not see; an "
        "execution is kept for some days only",
        "check the id, the org and the role's divisions",
    ),
    ErrorCode(
        "architect.flow.not.found",
        "there is no flow with this id in this org, or the client may not see its division",
        "flowlaunch flows list; check region, profile and the role's divisions",
    ),
    ErrorCode(
        "architect.flow.version.missing",
        "the flow has no such version",
        "leave flowVersion out for the published one, or publish the flow",
    ),
    ErrorCode(
        "architect.workflow.invalid.operation",
        "flows of this type do not support the operation",
        "launch flows of type WORKFLOW; other types are started by conversations",
    ),
    ErrorCode(
        "architect.operation.already.in.progress",
        "another operation on this flow is under way",
        "wait until it has ended",
        "Nothing was done; repeat it later.",
    ),
    ErrorCode(
        "architect.flow.locked.by.user",
        "somebody has the flow open for editing",
        "wait, or have the lock removed",
        "Nothing was done; repeat it later.",
    ),
    ErrorCode("architect.flow.deleted", "the flow was deleted", "launch another one, or restore it"),
    ErrorCode(
        "request.entity.too.large",
        "the body is larger than the platform takes (about 512,000 bytes)",
        "send less: pass a key, and let the flow read the rest",
        source="official error lists of later SDKs; the number is told by users",
    ),
    ErrorCode("unsupported.media.type", "the content type is not taken", "send Content-Type: application/json"),
    ErrorCode(
        "too.many.requests.retry.after",
        "too many requests, by token (300 a minute), client or org; `limit` names which",
        "wait for the seconds of the header Retry-After, and spread the requests: flowlaunch paces them",
        "Nothing was done; repeat it after Retry-After.",
        source=_ANNOUNCED,
    ),
    ErrorCode(
        "too.many.requests",
        "too many requests (the old form of too.many.requests.retry.after)",
        "wait for the seconds of the header Retry-After",
        "Nothing was done; repeat it after Retry-After.",
    ),
    ErrorCode("internal.server.error", "the platform failed", "ask support with the correlation id", _IN_DOUBT),
    ErrorCode(
        "architect.external.call.failure",
        "a service behind Architect failed",
        "try reads again; ask support with the correlation id",
        _IN_DOUBT,
    ),
    ErrorCode(
        "architect.database.throughput.exceeded",
        "Architect's database is overloaded",
        "slow down",
        _IN_DOUBT,
    ),
    ErrorCode("service.unavailable", "the platform is not available", "wait, then try reads again", _IN_DOUBT),
    ErrorCode("request.timeout", "the platform did not answer in time", "try reads again", _IN_DOUBT),
    ErrorCode(
        "authentication.request.timeout",
        "the check of the token did not end in time",
        "try again later",
        _IN_DOUBT,
    ),
    ErrorCode(
        "error.workflow.expression.unexpectedNull",
        "the run met NOT_SET where a value is needed: an input that was not sent, was sent under another "
        "name or case, without the prefix `Flow.`, or nested in an object",
        "compare the keys that were sent with `flowlaunch flows inputs FLOW`, check them with `flowlaunch "
        "check`, or give the variable a default in Architect",
        "The flow was launched and failed. Launching again with the same data fails again.",
        "reported",
        "developer forum 20500, with the real payload and its failed run",
    ),
)

TOKEN_ERRORS: Final = (
    ErrorCode(
        "invalid_client",
        "the login host does not know this id and secret: wrong id, wrong secret, or, most often, the wrong region",
        "check the region first (flowlaunch config), then id and secret",
        "Nothing was done; the same request will fail again.",
        "reported",
        "github.com/tishige/CallFlowVisualizer issues 8 and 9 (the cure of 9: the region)",
    ),
    ErrorCode(
        "invalid_request",
        "too many tokens were asked for when the description begins with `rate limit exceeded`; else the form is wrong",
        "keep the token for its whole life (flowlaunch does); on the rate limit wait up to a minute; else "
        "send grant_type as a form field",
        "Nothing was done; on the rate limit repeat it later.",
        source="official Terraform provider, InitClientConfig",
    ),
)

CODES_BY_NAME: Final = {one.code: one for one in (*CODES, *TOKEN_ERRORS)}

STATUSES: Final = {
    400: "the request was refused: nothing was done",
    401: "the token is missing, wrong or expired: nothing was done; repeat once with a new token",
    403: "a permission is missing: nothing was done",
    404: "it does not exist, or this client may not see it: nothing was done",
    405: "the operation does not exist or not for this type of flow: nothing was done",
    409: "it contradicts the present state: nothing was done",
    410: "it was deleted: nothing was done",
    413: "the body is too large: nothing was done",
    415: "the content type is not taken: nothing was done",
    429: "too many requests: nothing was done; wait for Retry-After",
    500: _IN_DOUBT,
    502: _IN_DOUBT,
    503: _IN_DOUBT,
    504: _IN_DOUBT,
}


def code_entry(code: str) -> ErrorCode | None:
    """Tell what is known about `code`; None when it is no code of the platform that we know of."""
    if code in CODES_BY_NAME:
        return CODES_BY_NAME[code]
    if code.startswith("architect.") and code.endswith(".invalid.operation"):
        return CODES_BY_NAME["architect.workflow.invalid.operation"]
    return None
