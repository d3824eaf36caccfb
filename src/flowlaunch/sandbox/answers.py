"""Answers of the emulated API, and the official error body."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["BAD_JSON", "Answer", "Refusal", "error_body", "json_answer", "missing_permissions"]

Headers = tuple[tuple[bytes, bytes], ...]
JSON_TYPE = b"application/json"
BAD_JSON = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What decoding a text that is not JSON may raise: syntax, endless nesting, broken UTF-8."""

_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, gc=False):
    """One HTTP answer; `content_type` empty means that there is no body."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    content_type: bytes = JSON_TYPE


class Refusal(Exception):  # noqa: N818 - it is an answer on its way out, not a failure of the sandbox
    """An error answer in the making.

    `code` and `message` are official unless the code starts with `sandbox.`, which marks an answer that only
    a sandbox gives.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        message_with_params: str | None = None,
        params: dict[str, str] | None = None,
        entity: tuple[str, str] | None = None,
        limit: dict[str, Any] | None = None,
        headers: Headers = (),
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.message_with_params = message_with_params
        self.params = params
        self.entity = entity
        self.limit = limit
        self.headers = ((*headers, (b"connection", b"close"))) if close else headers

    def answer(self, correlation_id: str) -> Answer:
        """Render the full ErrorBody, with `contextId` equal to the correlation id."""
        return Answer(self.status, _encode(error_body(self, correlation_id)), self.headers)


def error_body(refusal: Refusal, correlation_id: str) -> dict[str, Any]:
    """Build an ErrorBody. Source: contract ErrorBody of the official Python SDK 269.0.0."""
    body: dict[str, Any] = {"message": refusal.message, "code": refusal.code, "status": refusal.status}
    if refusal.entity:
        body["entityId"], body["entityName"] = refusal.entity
    if refusal.message_with_params is not None:
        body["messageWithParams"] = refusal.message_with_params
    body["messageParams"] = refusal.params or {}
    body["contextId"] = correlation_id
    body["details"] = []
    body["errors"] = []
    if refusal.limit is not None:
        body["limit"] = refusal.limit
    return body


def json_answer(document: Any, status: int = 200) -> Answer:
    """Render a document as a JSON answer."""
    return Answer(status, _encode(document))


def missing_permissions(permissions: tuple[str, ...], *, every: bool = False) -> Refusal:
    """Refuse for lack of a permission, in the official words. Source: legacy swagger error codes, 2018."""
    names = ", ".join(permissions)
    if every:
        text = "Unable to perform the requested action. You are missing the following permission(s): "
        return Refusal(403, "missing.permissions", text + names, message_with_params=text + "{permissions}",
                       params={"permissions": names})  # fmt: skip
    text = "Unable to perform the requested action. You must have at least one of the following permissions assigned: "
    return Refusal(403, "missing.any.permissions", text + names, message_with_params=text + "{permissions}",
                   params={"permissions": names})  # fmt: skip
