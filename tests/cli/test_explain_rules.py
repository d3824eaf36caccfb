"""The knowledge of `explain`: each rule and code, and the guides it was made for."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from flowlaunch.explain import EVIDENCE, RULES, explain
from flowlaunch.explain.error_codes import CODES, STATUSES, TOKEN_ERRORS
from flowlaunch.explain.finding import WEIGHTS
from flowlaunch.regions import REGIONS

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"


def rules_in(text: str) -> set[str]:
    return {finding.rule for finding in explain(text).findings}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_fires_on_its_example_and_not_on_the_right_form(rule):
    """A rule's example is found wrong, its counterexample is not, and its evidence has a class and a source."""
    assert rule.id in rules_in(rule.example)
    assert rule.id not in rules_in(rule.counterexample)
    assert rule.evidence in EVIDENCE
    assert rule.weight in WEIGHTS
    assert rule.finding
    assert rule.source


def test_rules_have_names_of_their_own():
    """No two rules share an id."""
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("entry", CODES, ids=lambda entry: entry.code)
def test_each_code_is_explained_with_cause_and_cure(entry):
    """An error body with a known code gets its cause, its cure, and what it means for repeating."""
    body = {"message": "m", "code": entry.code, "status": 400, "contextId": "abcdef12", "details": [], "errors": []}
    found = explain(json.dumps(body))
    assert found.kind == "error body"
    assert found.findings[0].rule == entry.code
    assert entry.cure == found.findings[0].cure
    assert entry.repeat in found.findings[0].finding
    assert found.findings[-1].excerpt == "abcdef12"


@pytest.mark.parametrize("entry", TOKEN_ERRORS, ids=lambda entry: entry.code)
def test_the_login_hosts_errors_are_explained(entry):
    """invalid_client and the rate limit of the login host are told apart."""
    found = explain(json.dumps({"error": entry.code, "error_description": "rate limit exceeded; wait"}))
    assert found.kind == "token error"
    assert (found.findings[0].rule, found.findings[0].cure) == (entry.code, entry.cure)


def test_an_unknown_code_is_printed_as_it_came():
    """A code that no official list holds is said to be unknown, and the message stays verbatim."""
    found = explain('{"message": "Odd thing.", "code": "flow.not.found", "status": 404}').findings[0]
    assert found.rule == "unknown-code"
    assert found.excerpt == "Odd thing."
    assert "'flow.not.found'" in found.finding
    assert STATUSES[404] in found.cure


def test_the_invalid_operations_of_every_kind_of_flow_are_known():
    """architect.<type>.invalid.operation is explained for types that are not listed."""
    assert "architect.workflow.invalid.operation" in rules_in(
        '{"message": "m", "code": "architect.inboundcall.invalid.operation", "status": 405}'
    )


def test_details_limits_and_inner_errors_are_told():
    """The parts of an error body that name a field, a limit or another error each get a line."""
    body = {
        "message": "m", "code": "bad.request", "status": 400,
        "details": [{"errorCode": "required", "fieldName": "flowId"}],
        "limit": {"key": "token.rate.per.minute", "namespace": "platform.api", "value": 300},
        "errors": [{"message": "inner", "code": "invalid.value", "status": 400}],
    }  # fmt: skip
    found = explain(json.dumps(body)).findings
    assert [one.rule for one in found] == ["bad.request", "error-detail", "error-limit", "invalid.value"]
    assert "flowId" in found[1].finding
    assert "token.rate.per.minute is 300" in found[2].finding


def test_a_failed_run_is_explained_by_its_expression():
    """A failed execution's unexpectedNull is traced to an input that was not set, with the expression."""
    run = {
        "id": "1", "status": "FAILED", "completionReason": "Failure",
        "flowErrorInfo": {"message": "A null.", "code": "error.workflow.expression.unexpectedNull",
                          "messageParams": {"expression": "Flow.userEmail", "pos": "0"}},
    }  # fmt: skip
    found = explain(json.dumps(run))
    assert found.kind == "execution"
    assert "Flow.userEmail" in found.findings[1].excerpt
    assert "without the prefix" in found.findings[1].finding


def test_a_gateways_page_is_recognized():
    """An HTML 502 is told to be no answer of the API, and to leave a launch in doubt."""
    found = explain("<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>")
    assert found.kind == "web page"
    assert found.findings[0].excerpt == "502 Bad Gateway"
    assert "may be running" in found.findings[0].cure


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("ERROR could not launch: HTTP 503 service.unavailable ININ-Correlation-Id: 0a1b2c3d-1", "service.unavailable"),
        ("Auth Error: 400 - invalid_request (rate limit exceeded; 10)", "invalid_request"),
        ("requests.exceptions.HTTPError: 403 Client Error: Forbidden; status: 403", "status"),
        ('{"code": "made.up", "status": 400} was the answer', "unknown-code"),
    ],
)
def test_log_lines_are_read(line, rule):
    """Codes, statuses and correlation ids are found in the middle of log lines."""
    assert rule in rules_in(line)


def test_json_in_quotes_is_read_as_json():
    """A body inside a shell's or a program's string, its quotes escaped, is explained as one that stands free."""
    curl = 'curl --max-time 9 -X POST https://api.mypurecloud.com/api/v2/flows/executions -d "{body}"'
    body = '{"flowId": "1", "data": {"customerName": "Jane"}}'
    log = 'ERROR launch failed body="{\\"code\\":\\"missing.any.permissions\\",\\"contextId\\":\\"abcdef12\\"}"'
    assert rules_in(curl.replace("{body}", body.replace('"', '\\"'))) >= {"body-field-data", "unprefixed-key"}
    assert rules_in(log) >= {"missing.any.permissions", "correlation-id"}


def test_secrets_in_a_snippet_are_not_repeated():
    """The excerpts of an explanation leave secrets out."""
    text = (
        'curl https://api.mypurecloud.com/oauth/token -d "grant_type=client_credentials&client_secret=hunter2&x=1"\n'
        'payload = {"grant_type": "client_credentials", "client_secret": "hunter2"}\n'
        "curl -H 'Authorization: Bearer hunter2hunter2' https://api.mypurecloud.com/api/v2/flows/executions"
    )
    found = explain(text).findings
    assert len(found) >= 4
    assert "hunter2" not in "".join(one.excerpt for one in found)


def test_right_code_has_nothing_wrong():
    """A launch written after the real contract is left in peace."""
    text = """
token = requests.post("https://login.mypurecloud.ie/oauth/token", auth=(client_id, secret),
                      data={"grant_type": "client_credentials"}, timeout=30).json()
body = {"flowId": flow_id, "inputData": {"Flow.customerName": "Jane", "Flow.tags": ["a"]}, "name": "order 7"}
answer = requests.post("https://api.mypurecloud.ie/api/v2/flows/executions", json=body, headers=headers, timeout=30)
if answer.ok:
    execution_id = answer.json()["id"]
"""
    assert explain(text).findings == ()


@given(st.text(max_size=400))
def test_any_text_can_be_explained(text):
    """No text breaks explain, and every finding points at a line that exists."""
    for finding in explain(text).findings:
        assert 0 <= finding.line <= text.count("\n") + 1


@pytest.mark.parametrize(
    "piece",
    [
        "a.",
        "requests.get(",
        '"data": {',
        "flow_id == 401 ",
        "curl \\\n",
        "{",
        '"',
        "2 ** ",
        "expires ",
        "<title",
        "status: ",
    ],
)
def test_large_texts_are_explained_in_seconds(piece):
    """Text of the largest size that is read, however it repeats itself, does not take minutes."""
    started_s = time.monotonic()
    explain("flow_id access_token grant_type " + piece * (200_000 // len(piece)))
    assert time.monotonic() - started_s < 60


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.dictionaries(
    st.sampled_from(["code", "message", "status", "errors", "details", "error", "flowErrorInfo", "limit", "id"]), inner)
    | st.lists(inner, max_size=3), max_leaves=12))  # fmt: skip
def test_any_json_can_be_explained(document):
    """No JSON document breaks explain, whatever its fields hold."""
    assert explain(json.dumps(document)).kind


def test_every_region_of_the_table_is_right_by_its_own_rule():
    """A region map with the real hosts has nothing wrong, and one with any other host has."""
    for name, domain in REGIONS.items():
        assert "region-host" not in rules_in(f'"{name}": "https://api.{domain}"')
        assert "region-host" in rules_in(f'"{name}": "https://api.example.com"')


def test_the_guides_mistakes_are_all_found():
    """Every wrong claim of the two guides that can be seen in their text is found."""
    if not SEEDS.is_dir():
        pytest.skip("../shared is not beside this checkout")
    launch, shared = (next(SEEDS.glob(f"{number}_*")).read_text(encoding="utf-8") for number in ("000", "004"))
    assert rules_in(launch) >= {
        "body-field-data", "body-field-execution-context", "response-execution-id", "execution-has-no-flow-id",
        "scope-invented", "scopes-for-client-credentials", "grant-type-wording", "region-host", "invented-host",
        "region-fallback", "token-host", "form-credentials", "token-life", "bad-credentials-401", "status-201",
        "start-event-mismatch", "start-event", "sdk-package", "retry-powers-of-two", "backoff-advice",
        "status-from-text", "no-timeout", "unprefixed-key",
    }  # fmt: skip
    assert rules_in(shared) >= {
        "execute-path", "body-field-flow-type", "body-field-inputs", "body-field-metadata", "scope-invented",
        "sdk-execute-flow", "unprefixed-key", "backoff-advice",
    }  # fmt: skip
    wrong_regions = {one.cure.partition(":")[0] for one in explain(launch).findings if one.rule == "region-host"}
    assert wrong_regions == {"us-east-2", "us-west-2", "eu-west-1", "ap-southeast-2"}
    keys = {one.cure for one in explain(launch).findings if one.rule == "unprefixed-key"}
    assert keys == {'"Flow.customerName"', '"Flow.orderId"', '"Flow.priority"', '"Flow.timestamp"'}
