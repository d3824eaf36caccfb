"""The reference page of the API, written from the OpenAPI document: `python -m flowlaunch.gateway.api.reference`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.gateway.api.document import PROBLEMS, openapi_document

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["reference_page"]

HEAD: Final = """# Gateway API

Written from the OpenAPI 3.1 document that every gateway serves at `/v1/openapi.json`; a test holds the two equal.
How to run one: [Run a gateway](../how-to/run-a-gateway.md).

- Every request but those marked so carries a key: `Authorization: Bearer flk_…`. A key's scopes say what it allows.
- Bodies are JSON in UTF-8, instants RFC 3339 with an offset; the gateway answers in UTC.
- Whatever goes wrong is a problem (RFC 9457, `application/problem+json`): `type` is stable and for programs, `detail`
  is for people and says what to do.
- A member that is not known here is refused, so that a slip is not overlooked.
- A launch whose answer was lost is asked for again with the same `Idempotency-Key`: it is the same launch.
"""


def reference_page() -> str:
    """Return the page as Markdown."""
    document = msgspec.json.decode(openapi_document())
    return "\n".join([HEAD, *_operations(document), *_problems(), *_schemas(document)]).rstrip() + "\n"


def _operations(document: dict[str, Any]) -> Iterator[str]:
    found = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for tag in (one["name"] for one in document["tags"]):
        yield f"## {tag.capitalize()}\n"
        for method, path, operation in found:
            if tag in operation["tags"]:
                yield from _operation(method, path, operation)


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"### {operation['summary']}\n"
    yield f"`{method} {path}` · {operation['operationId']}\n"
    yield operation["description"] + "\n"
    parameters = [one for one in operation.get("parameters", ()) if one["in"] != "path"]
    if parameters:
        yield "| parameter | in | type | meaning |\n|---|---|---|---|"
        for one in parameters:
            yield f"| `{one['name']}` | {one['in']} | {_type(one['schema'])} | {_cell(one.get('description', ''))} |"
        yield ""
    body = operation.get("requestBody")
    if body is not None:
        kinds = [
            _type(content["schema"]) if kind == "application/json" else f"`{kind}`"
            for kind, content in body["content"].items()
        ]
        yield f"Body{'' if body.get('required', True) else ' (may be left out)'}: {', '.join(kinds)}\n"
    for status, answer in operation["responses"].items():
        if int(status) < 300:
            shown = [
                _type(content["schema"]) if kind == "application/json" else f"`{kind}`"
                for kind, content in answer.get("content", {}).items()
            ]
            yield f"Answer {status}: {', '.join(shown) or 'no body'}\n"
    problems = [status for status in operation["responses"] if int(status) >= 400]
    yield f"Problems: {', '.join(problems)}\n"


def _problems() -> Iterator[str]:
    yield "## Problems\n"
    yield "| status | meaning |\n|---|---|"
    for status, meaning in PROBLEMS.items():
        yield f"| {status} | {meaning} |"
    yield ""


def _schemas(document: dict[str, Any]) -> Iterator[str]:
    yield "## Structures\n"
    for name, schema in document["components"]["schemas"].items():
        yield f"### {name}\n"
        if schema.get("description"):
            yield schema["description"] + "\n"
        required = set(schema.get("required", ()))
        if schema.get("properties"):
            yield "| member | type | must be given |\n|---|---|---|"
            for member, rule in schema["properties"].items():
                yield f"| `{member}` | {_type(rule)} | {'yes' if member in required else 'no'} |"
            yield ""
        elif "enum" in schema:
            yield f"One of {', '.join(f'`{one}`' for one in schema['enum'])}.\n"


def _type(rule: dict[str, Any]) -> str:
    """Return a JSON Schema in a few words."""
    if "$ref" in rule:
        name = rule["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in rule:
        return " or ".join(_type(one) for one in rule["anyOf"])
    if "enum" in rule:
        return ", ".join(f"`{one}`" for one in rule["enum"])
    kind = rule.get("type")
    if kind == "array":
        return f"list of {_type(rule['items'])}" if isinstance(rule.get("items"), dict) else "list"
    bounds = [f"{word} {rule[key]}" for key, word in BOUNDS.items() if key in rule]
    shown = rule.get("format", kind) or "any"
    return f"{shown} ({', '.join(bounds)})" if bounds else str(shown)


BOUNDS: Final = {
    "minimum": "from",
    "maximum": "to",
    "exclusiveMinimum": "above",
    "minLength": "at least",
    "maxLength": "at most",
}


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(reference_page(), end="")  # noqa: T201 - it is what this module is run for
