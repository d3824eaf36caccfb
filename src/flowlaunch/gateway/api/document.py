"""The OpenAPI 3.1 document, made from the operations and the structs they take and give."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch._version import __version__
from flowlaunch.gateway.api import operations
from flowlaunch.gateway.api.operation import Answer, Call, Operation
from flowlaunch.gateway.api.problems import MEDIA_TYPE, ProblemDetails

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["OPERATIONS", "PROBLEMS", "openapi_document"]

PROBLEMS: Final = {
    400: "The request cannot be read",
    401: "No API key, or one that is unknown, expired or revoked",
    403: "The key does not allow this",
    404: "There is no such thing, or the key may not see it",
    409: "Things stand otherwise than the request needs",
    413: "The body is too large",
    415: "The body has another media type",
    421: "The request is for another host",
    422: "The request does not fit; every problem is told at once",
    429: "A quota, a queue or the place for files is full; Retry-After says when to ask again",
    500: "The gateway failed",
    502: "The platform refused the gateway, or gave an answer that cannot be used",
    503: "The platform, or the ledger, cannot be reached now; Retry-After says when to ask again",
    507: "The gateway's disk is full",
}
REF: Final = "#/components/schemas/{name}"


@functools.cache
def openapi_document() -> bytes:
    """Return the document as JSON."""
    return msgspec.json.encode(_document(operations()))


def _document(table: Sequence[Operation]) -> dict[str, Any]:
    structs = [ProblemDetails, *_structs(table)]
    schemas, components = msgspec.json.schema_components(structs, ref_template=REF)
    by_struct = dict(zip(structs, schemas, strict=True))
    components["ProblemDetails"]["additionalProperties"] = True
    for one in components.values():
        if "description" in one:
            one["description"] = _plain(one["description"])
    paths: dict[str, dict[str, Any]] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, by_struct)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "flowlaunch gateway",
            "version": __version__,
            "description": "Launch Genesys Cloud Architect flows from any app: once, and know what happened.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in dict.fromkeys(operation.tag for operation in table)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key of the gateway."}
            },
        },
    }


def _structs(table: Iterable[Operation]) -> list[Any]:
    used = [[one.body, *one.answers.values()] for one in table]
    return list(dict.fromkeys(struct for of_one in used for struct in of_one if struct is not None))


def _operation(one: Operation, by_struct: dict[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": one.name, "summary": one.summary, "tags": [one.tag]}
    scope = f"Scope: `{one.scope.replace('|', '` or `')}`." if one.scope is not None else "Needs no key."
    told["description"] = f"{one.description} {scope}".strip()
    if one.scope is None:
        told["security"] = []
    parameters = [*_path_parameters(one), *_query_parameters(one), *_header_parameters(one)]
    if parameters:
        told["parameters"] = parameters
    content = {kind: {"schema": {"type": "string"}} for kind in one.body_media_types}
    if one.body is not None:
        content["application/json"] = {"schema": by_struct[one.body]}
    if content:
        told["requestBody"] = {"required": not one.is_body_optional, "content": content}
    told["responses"] = _responses(one, by_struct)
    return told


def _responses(one: Operation, by_struct: dict[Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, struct in one.answers.items():
        answer: dict[str, Any] = {"description": _first_sentence(struct)}
        if struct is not None:
            answer["content"] = {"application/json": {"schema": by_struct[struct]}}
        responses[str(status)] = answer
    if one.stream_media_types:
        content = {kind: {"schema": {"type": "string"}} for kind in one.stream_media_types}
        responses["200"] = {"description": "The rows, as they are read", "content": content}
    for status in sorted({*_own_problems(one), *one.problems}):
        schema = {"$ref": REF.format(name="ProblemDetails")}
        answer = {"description": PROBLEMS[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        if status in {429, 503}:
            answer["headers"] = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
        responses[str(status)] = answer
    return dict(sorted(responses.items()))


def _own_problems(one: Operation) -> set[int]:
    """Return the statuses of problems that come from what the operation takes."""
    found = {421, 500}
    if one.scope is not None:
        found |= {401, 403, 503}
    if one.query is not None:
        found.add(400)
    if one.body is not None:
        found |= {400, 413, 415, 422}
    if one.headers:
        found.add(400)
    return found


def _path_parameters(one: Operation) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)(?::\w+)?}", one.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(one: Operation) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    schema = msgspec.json.schema(one.query, ref_template="{name}")
    struct = schema["$defs"][one.query.__name__]
    required = set(struct.get("required", ()))
    found = []
    for name, rule in struct["properties"].items():
        inlined = _inlined(rule, schema["$defs"])
        parameter: dict[str, Any] = {"name": name, "in": "query", "schema": inlined}
        if "description" in inlined:
            parameter["description"] = inlined.pop("description")
        if name in required:
            parameter["required"] = True
        if inlined.get("type") == "array":
            parameter |= {"style": "form", "explode": True}
        found.append(parameter)
    return found


def _inlined(rule: Any, named: dict[str, Any]) -> Any:
    """Return a rule with what it refers to put in its place, and without null: a parameter is left out instead."""
    if isinstance(rule, list):
        return [_inlined(one, named) for one in rule]
    if not isinstance(rule, dict):
        return rule
    if "$ref" in rule:
        return _inlined(named[rule["$ref"]], named)
    made = {key: _inlined(value, named) for key, value in rule.items() if key not in {"default", "title"} or value}
    choices = [one for one in made.get("anyOf", ()) if one != {"type": "null"}]
    if len(choices) == 1:
        del made["anyOf"]
        made |= choices[0]
    if made.get("default", "") is None:
        del made["default"]
    return made


def _header_parameters(one: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}}
        for name, meaning in one.headers.items()
    ]


def _first_sentence(struct: Any) -> str:
    return _plain(struct.__doc__ or "").partition("\n")[0] if struct is not None else "Done"


def _plain(docstring: str) -> str:
    """Return a docstring as Markdown: what it says of attributes becomes a list."""
    head, _, attributes = docstring.partition("\n\nAttributes:\n")
    items = re.sub(r"\n\s{8,}", " ", attributes.rstrip())
    listed = [re.sub(r"^(\w+): ", r"`\1`: ", line.strip()) for line in items.splitlines() if line.strip()]
    return "\n".join([" ".join(head.split()), *(["", *(f"- {line}" for line in listed)] if listed else [])])


async def show(_call: Call) -> Answer:
    """Return the OpenAPI document."""
    return Answer(openapi_document())


OPERATIONS: Final = (
    Operation(
        name="showOpenapi", method="GET", path="/v1/openapi.json", scope=None, handler=show, tag="about",
        summary="This API as an OpenAPI 3.1 document", answers={200: dict},
    ),
)  # fmt: skip
