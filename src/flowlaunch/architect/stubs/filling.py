"""Templates in stubs: `${input.customerId}` is filled with a part of what the flow sent."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import jmespath
from jmespath.exceptions import JMESPathError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["TemplateError", "fill", "search", "templates_in"]

_SHOWN_CHARS: Final = 160
_TEMPLATE: Final = re.compile(r"\$(\$\{)|\$\{([^{}]{1,500})\}")


class TemplateError(ValueError):
    """A template or query is no JMESPath expression."""


def search(query: str, document: Mapping[str, Any]) -> Any:
    """Evaluate a JMESPath expression.

    Raises:
        TemplateError: it is none, or does not fit the document.

    """
    try:
        return jmespath.search(query, document)
    except (JMESPathError, RecursionError) as error:
        raise TemplateError(f"`{_short(query)}` cannot be evaluated as JMESPath: {_reason(error)}") from error


def check_query(query: str) -> None:
    """Check that a JMESPath expression can be parsed.

    Raises:
        TemplateError: it cannot.

    """
    try:
        jmespath.compile(query)
    except (JMESPathError, RecursionError) as error:
        raise TemplateError(f"`{_short(query)}` is no JMESPath expression: {_reason(error)}") from error


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}..."


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return _short(str(error).splitlines()[0])


def templates_in(value: Any) -> Iterator[str]:
    """Give the expressions of every template inside a JSON value."""
    if isinstance(value, str):
        yield from (match[2] for match in _TEMPLATE.finditer(value) if match[2])
    elif isinstance(value, dict):
        for item in value.values():
            yield from templates_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from templates_in(item)


def fill(value: Any, document: Mapping[str, Any], roots: frozenset[str] | None = None) -> Any:
    """Replace every template in a JSON value; a text that is one template takes the value's own type.

    `$${` stands for a literal `${`. With `roots`, only templates that begin with one of these words are filled.

    Raises:
        TemplateError: a template cannot be evaluated.

    """
    if isinstance(value, str):
        return _fill_text(value, document, roots) if "${" in value else value
    if isinstance(value, dict):
        return {key: fill(item, document, roots) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, document, roots) for item in value]
    return value


def _is_meant(expression: str, roots: frozenset[str] | None) -> bool:
    return roots is None or re.split(r"\W", expression.strip(), maxsplit=1)[0] in roots


def _fill_text(text: str, document: Mapping[str, Any], roots: frozenset[str] | None) -> Any:
    whole = _TEMPLATE.fullmatch(text)
    if whole and whole[2] and _is_meant(whole[2], roots):
        return search(whole[2], document)

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return match[1] if roots is None else match[0]
        if not _is_meant(match[2], roots):
            return match[0]
        return _as_text(search(match[2], document))

    return _TEMPLATE.sub(replace, text)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
