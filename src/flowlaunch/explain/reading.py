"""Take a text for what it is, and gather what is known about it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.explain import rules_access, rules_body, rules_calls, rules_log
from flowlaunch.explain.error_codes import CODES_BY_NAME, STATUSES, ErrorCode, code_entry
from flowlaunch.explain.finding import Explanation, Finding, Rule, masked
from flowlaunch.explain.input_keys import UNPREFIXED, unprefixed_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RULES", "explain"]

_PATTERN_RULES: Final = (*rules_body.RULES, *rules_access.RULES, *rules_calls.RULES, *rules_log.RULES)
RULES: Final[tuple[Rule, ...]] = (*_PATTERN_RULES, UNPREFIXED)
"""Every rule about what can be seen in text."""

_HTML: Final = re.compile(r"<!doctype html|<html\b|<head\b|<title\b", re.IGNORECASE)
_TITLE: Final = re.compile(r"<(title|h1)[^>]{0,200}>(.{0,300}?)</\1>", re.IGNORECASE | re.DOTALL)
_STATUS: Final = re.compile(
    r"(?:HTTP(?:/[\d.]+)?[ :]+|\bstatus(?:[_ ]?code)?[\"']?\s*[=:]?\s*|\bAPI returned |\bError:? |"
    r"\breturned |\bgot |\(|\[)(?P<status>[45]\d\d)\b(?!\s*(?:ms|s)\b)",
    re.IGNORECASE,
)
_CORRELATION: Final = re.compile(
    r"(?:ININ-Correlation-Id|contextId)[\"']?\s*[:=]\s*[\"']?(?P<id>[0-9A-Za-z-]{8,})", re.IGNORECASE
)
_CODE: Final = re.compile(
    "|".join(rf"(?<![\w.]){re.escape(one)}(?![\w.]*\w)" for one in sorted(CODES_BY_NAME, key=len, reverse=True))
)
_CODE_FIELD: Final = re.compile(r"[\"']code[\"']\s*:\s*[\"'](?P<code>[^\"']+)[\"']")
_RUN_STATUSES: Final = frozenset({"FAILED", "ERROR", "TERMINATED"})
_NO_SOURCE: Final = "no official list holds it"


def explain(text: str) -> Explanation:
    """Say what is wrong in `text`: an error body, an execution, a page, a log line or a piece of code."""
    document = _json_object(text)
    if document is not None:
        kind, found = _from_object(document)
        if kind:
            return Explanation(kind, tuple(found))
    if _HTML.search(text[:2000]):
        return Explanation("web page", tuple(_from_page(text)))
    text = text.replace('\\"', '"')  # JSON inside a string of a shell, a program or a log
    found = [*_from_rules(text), *_from_log(text)]
    has_code = any(one.rule in _CODE_RULES for one in found)
    kind = "request body" if document is not None else "snippet" if has_code else "log"
    return Explanation(kind if found else "unknown", tuple(sorted(found, key=lambda one: one.line)))


_CODE_RULES: Final = frozenset(
    one.id for one in (*rules_body.RULES, *rules_access.RULES, *rules_calls.RULES, UNPREFIXED)
)


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _from_object(document: dict[str, Any]) -> tuple[str, list[Finding]]:
    if isinstance(document.get("flowErrorInfo"), dict) or (
        str(document.get("status")) in _RUN_STATUSES and "id" in document
    ):
        return "execution", list(_from_execution(document))
    if isinstance(document.get("error"), str):
        return "token error", list(_from_token_error(document))
    if isinstance(document.get("code"), str) or {"message", "status"} <= set(document):
        return "error body", list(_from_error(document))
    return "", []


def _from_execution(document: dict[str, Any]) -> Iterator[Finding]:
    status = str(document.get("status", ""))
    reason = f", completion reason {document['completionReason']}" if document.get("completionReason") else ""
    yield _whole(
        "execution-status",
        f"the launch was accepted and the run ended as {status or 'unknown'}{reason}",
        "mend the flow or its input data; launching again with the same data is likely to fail again",
        ("official", "official Python SDK 269.0.0, models/flow_runtime_execution.py"),
    )
    inner = document.get("flowErrorInfo")
    if isinstance(inner, dict):
        yield from _from_error(inner)


def _from_error(body: dict[str, Any]) -> Iterator[Finding]:
    message = str(body.get("message", ""))
    code = str(body.get("code", ""))
    params = body.get("messageParams")
    if isinstance(params, dict) and params.get("expression"):
        message = f"{message} (expression: {params['expression']})"
    entry = code_entry(code)
    if entry is not None:
        yield _of_code(entry, message or code)
    else:
        yield _unknown_code(code, message, body.get("status"))
    yield from _details(body)
    context = body.get("contextId")
    if context:
        yield _support(str(context))
    for inner in _objects(body.get("errors")):
        yield from _from_error(inner)


def _details(body: dict[str, Any]) -> Iterator[Finding]:
    for detail in _objects(body.get("details")):
        if detail.get("fieldName"):
            what = f"field {detail['fieldName']}: {detail.get('errorCode') or 'refused'}"
            yield _whole("error-detail", what, "change or remove this field", ("official", "ErrorBody.details"))
    limit = body.get("limit")
    if isinstance(limit, dict) and limit.get("key"):
        what = f"the limit {limit.get('namespace', '')} {limit['key']} is {limit.get('value', 'not told')}"
        yield _whole("error-limit", what.replace("  ", " "), "stay below it", ("official", "ErrorBody.limit"))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _from_token_error(document: dict[str, Any]) -> Iterator[Finding]:
    error = str(document["error"])
    told = str(document.get("error_description") or document.get("description") or "")
    entry = code_entry(error)
    yield _of_code(entry, f"{error}: {told}") if entry else _unknown_code(error, told, document.get("status"))


def _from_page(text: str) -> Iterator[Finding]:
    title = next((re.sub(r"\s+|<[^>]+>", " ", match[2]).strip() for match in _TITLE.finditer(text)), "")
    status = next((int(digits) for digits in re.findall(r"\b([45]\d\d)\b", title)), None)
    yield _whole(
        "web-page",
        "a gateway or proxy answered with a web page, not the API",
        STATUSES.get(status or 0, "check the base URL, the region and the proxy: this is no API host")
        + (" GETs are safe to repeat." if status and status >= 500 else ""),
        ("inferred", "a CDN stands in front of the API; its pages are not JSON"),
        excerpt=title,
    )


def _from_rules(text: str) -> Iterator[Finding]:
    for rule in _PATTERN_RULES:
        yield from rule.findings(text)
    yield from unprefixed_keys(text)


def _from_log(text: str) -> Iterator[Finding]:
    """Find the platform's codes, HTTP statuses and correlation ids, line by line."""
    for number, line in enumerate(text.splitlines(), start=1):
        named = _CODE.search(line)
        field = _CODE_FIELD.search(line)
        status = _STATUS.search(line)
        if named:
            yield _of_code(CODES_BY_NAME[named[0]], line.strip(), number)
        elif field and "." in field["code"] and code_entry(field["code"]) is None:
            seen = int(status["status"]) if status else None
            yield _unknown_code(field["code"], line.strip(), seen, number)
        elif status and int(status["status"]) in STATUSES:
            yield _of_status(int(status["status"]), number, line.strip())
        correlation = _CORRELATION.search(line)
        if correlation:
            yield _support(correlation["id"], number)


def _of_status(status: int, line: int, excerpt: str) -> Finding:
    return Finding(
        rule="status",
        weight="note",
        line=line,
        excerpt=masked(excerpt),
        finding=f"HTTP {status}: {STATUSES[status]}",
        cure="give the whole answer to explain: its body has a code and a correlation id",
        evidence="official",
        source="official API description, flow operations",
    )


def _of_code(entry: ErrorCode, excerpt: str, line: int = 0) -> Finding:
    return Finding(
        rule=entry.code,
        weight="wrong",
        line=line,
        excerpt=masked(excerpt),
        finding=f"{entry.cause}. {entry.repeat}",
        cure=entry.cure,
        evidence=entry.evidence,
        source=entry.source,
    )


def _unknown_code(code: str, message: str, status: object, line: int = 0) -> Finding:
    meaning = STATUSES.get(status, "") if isinstance(status, int) else ""
    what = f"code {code!r} is not one that we know; the message is printed as it came" if code else "no code was sent"
    cure = f"HTTP {status}: {meaning}" if meaning else "branch on the HTTP status, not on the code"
    return Finding("unknown-code", "wrong", line, masked(message), what, cure, "unknown", _NO_SOURCE)


def _support(correlation_id: str, line: int = 0) -> Finding:
    return Finding(
        rule="correlation-id",
        weight="note",
        line=line,
        excerpt=correlation_id,
        finding="this is the correlation id of the answer",
        cure="give it to Genesys support when you ask about this request",
        evidence="official",
        source="contextId of ErrorBody and the header ININ-Correlation-Id",
    )


def _whole(rule: str, finding: str, cure: str, evidence: tuple[str, str], *, excerpt: str = "") -> Finding:
    return Finding(rule, "wrong", 0, excerpt, finding, cure, *evidence)
