"""The API is what its OpenAPI document says: each operation is asked with up to 25 requests made from the document."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from flowlaunch.gateway.api import operations
from flowlaunch.gateway.api.document import openapi_document
from flowlaunch.gateway.api.reference import reference_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "gateway-api.md"
EXAMPLES = 25
"""Requests an operation: what some twenty seconds allow in all; of one with few distinct requests there are fewer."""
NOT_ASKED = [
    ignored_auth,  # the key is sent with every request here; another test sends none
    positive_data_acceptance,  # a flow that nobody has is valid by the schema, and refused
]


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def lines(_context, value):
    """Send rows as whatever text or bytes were made up."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


schema = schemathesis.openapi.from_dict(msgspec.json.decode(openapi_document()))


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_promises(case, door):
    """Whatever is sent, the status, media type and body of the answer are in the document, and none is a 500."""
    key = {"authorization": f"Bearer {door.key('contract')}"}
    case.call_and_validate(base_url=door.url, headers=key, excluded_checks=NOT_ASKED)


def test_the_reference_page_says_what_the_document_says():
    """The reference page is the one that `python -m flowlaunch.gateway.api.reference` writes."""
    assert PAGE.read_text(encoding="utf-8") == reference_page()


def test_the_document_is_served_to_anybody_and_holds_no_secret(door):
    """The document needs no key, is valid OpenAPI 3.1, and names no key, host or folder of this gateway."""
    reply = door.call("GET", "/v1/openapi.json", authorization="")
    assert (reply.status, reply.json["openapi"]) == (200, "3.1.0")
    text = reply.raw.decode()
    for secret in (door.key("contract"), str(door.ledger), door.url, "demo-secret"):
        assert secret not in text


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.name)
def test_what_needs_a_key_is_shut_without_one(door, operation):
    """Every operation but those marked so answers 401 without a key."""
    path = operation.path.replace("{", "").replace("}", "")
    reply = door.call(operation.method, path, authorization="")
    assert (reply.status == 401) == (operation.scope is not None), reply.raw
