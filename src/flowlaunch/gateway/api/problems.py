"""What the API answers when something is wrong: RFC 9457 problem details, and the errors that become them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import Response

from flowlaunch.errors import (
    ApiError,
    DeadlineError,
    DecodeError,
    FlowlaunchError,
    FlowLookupError,
    InputError,
    LedgerBusyError,
    LedgerError,
    LedgerFullError,
    PreflightError,
    RateLimitedError,
    SettingsError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

__all__ = ["MEDIA_TYPE", "Problem", "ProblemDetails", "problem_of", "problem_response", "unexpected_response"]

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:flowlaunch:problem:"
SOON_S: Final = 5
"""When to ask again after a trouble that is not ours to time."""


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, for programs by `type`, for people by `title` and `detail`; further members say more.

    Source: RFC 9457, "Problem Details for HTTP APIs".
    """

    type: str
    title: str
    status: int
    detail: str


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """An answer that is a problem.

    Args:
        status: the HTTP status.
        slug: stable name of the kind of problem, for programs.
        title: the kind in a few words, the same for each occurrence.
        detail: this occurrence, with what to do; never a secret.
        headers: headers of the answer.
        extension: further members. `retry_after_s` becomes the header Retry-After, too.

    """

    def __init__(
        self, status: int, slug: str, title: str, detail: str, *, headers: Mapping[str, str] | None = None,
        **extension: Any,
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.status, self.slug, self.title, self.detail = status, slug, title, detail
        self.headers = dict(headers or {})
        self.extension = extension
        if "retry_after_s" in extension:
            self.headers.setdefault("retry-after", str(max(1, round(extension["retry_after_s"]))))

    def body(self) -> dict[str, Any]:
        """Return the problem as JSON will have it."""
        named = {"type": TYPE_PREFIX + self.slug, "title": self.title, "status": self.status, "detail": self.detail}
        return named | self.extension

    def response(self) -> Response:
        """Return the answer."""
        return Response(msgspec.json.encode(self.body()), self.status, headers=self.headers, media_type=MEDIA_TYPE)


ANSWERS: Final[tuple[tuple[type[FlowlaunchError], int, str, str], ...]] = (
    (PreflightError, 422, "input-rejected", "The input does not fit the flow"),
    (FlowLookupError, 422, "flow-unknown", "The flow cannot be launched"),
    (InputError, 422, "input-rejected", "The input cannot be launched"),
    (RateLimitedError, 503, "platform-busy", "The platform asked for patience"),
    (TransportError, 503, "platform-unreachable", "The platform cannot be reached"),
    (DeadlineError, 503, "platform-unreachable", "The platform cannot be reached"),
    (DecodeError, 502, "platform-answer", "The platform gave an answer that cannot be used"),
    (ApiError, 502, "platform-refused", "The platform refused the gateway"),
    (SettingsError, 502, "platform-refused", "The platform refused the gateway"),
    (LedgerFullError, 507, "storage-full", "The gateway's disk is full"),
    (LedgerBusyError, 503, "storage-busy", "The gateway's ledger is in use"),
    (LedgerError, 500, "storage", "The gateway's ledger failed"),
)
"""First class that fits -> status, slug and title of the answer."""


def problem_of(error: FlowlaunchError) -> Problem:
    """Return the problem that an error of flowlaunch is to an app."""
    for kind, status, slug, title in ANSWERS:
        if isinstance(error, kind):
            return Problem(status, slug, title, _detail(error), **_extension(error, status))
    return Problem(500, "unexpected", "The gateway failed", _detail(error), code=error.code)


def problem_response(_request: Request, error: Exception) -> Response:
    """Answer a Problem, or an error of flowlaunch; an exception handler of Starlette."""
    problem = error if isinstance(error, Problem) else problem_of(error) if isinstance(error, FlowlaunchError) else None
    return (problem or _unexpected()).response()


def unexpected_response(_request: Request, _error: Exception) -> Response:
    """Answer a mistake of ours: nothing of it leaves but that it happened."""
    return _unexpected().response()


def _unexpected() -> Problem:
    return Problem(500, "unexpected", "The gateway failed", "The log of the gateway says what happened.")


def _detail(error: FlowlaunchError) -> str:
    if isinstance(error, PreflightError) or not error.hint:
        return error.message
    if isinstance(error, FlowLookupError) and "`" in error.hint:  # a hint for the command line
        return f"{error.message} GET /v1/flows lists what can be launched."
    return f"{error.message} {error.hint}"


def _extension(error: FlowlaunchError, status: int) -> dict[str, Any]:
    extension: dict[str, Any] = {"code": error.code}
    if isinstance(error, PreflightError):
        extension["problems"] = [
            {"kind": one.kind, "key": one.key, "message": one.message, "cure": one.cure} for one in error.problems
        ]
    if isinstance(error, FlowLookupError) and error.candidates:
        extension["candidates"] = list(error.candidates)
    if status == 503:
        extension["retry_after_s"] = getattr(error, "retry_after_s", None) or SOON_S
    return extension
