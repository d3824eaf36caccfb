"""Parity: a second sandbox with other guesses stands in for the org, and nothing of it but shapes comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings, strategies as st

import flowlaunch.sandbox
from flowlaunch.cli.app import run
from flowlaunch.parity import PROBES, Report, Row, compared, shape_of
from flowlaunch.parity.shapes import GAP, spoken
from flowlaunch.parity.vocabulary import FIELDS, HEADERS, TEXTS, WORDS
from flowlaunch.sandbox import DropBeforeReading, Sandbox, Status
from flowlaunch.sandbox.mishaps import STATUS_CODES

if TYPE_CHECKING:
    from collections.abc import Callable

FLOW = "Order follow-up"
FLOW_ID = "f0000000-0000-4000-8000-000000000001"
FLOW_FILE = Path(flowlaunch.sandbox.__file__).parent / "flows" / "order-follow-up.yaml"
LAUNCHES = [probe.name for probe in PROBES if probe.launches]


@pytest.fixture
def parity(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run `flowlaunch parity` at a sandbox that stands in for the org: exit code, data and talk."""

    def call(org: Sandbox, *arguments: str, secret: str | None = None) -> tuple[int, str, str]:
        monkeypatch.setenv("GENESYSCLOUD_REGION", org.url)
        monkeypatch.setenv("GENESYSCLOUD_OAUTHCLIENT_ID", "demo")
        monkeypatch.setenv("GENESYSCLOUD_OAUTHCLIENT_SECRET", secret or "demo-secret")
        code = run(["parity", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def org(**options: Any) -> Sandbox:
    return Sandbox(**{"clock": "virtual", "rate_per_minute": None, **options})


def differences(document: str) -> set[tuple[str, str]]:
    """Give (question, what) of every difference of a JSON report."""
    return {(row["probe"], one["what"]) for row in json.loads(document)["rows"] for one in row["differences"]}


def test_a_sandbox_does_not_differ_from_itself(parity):
    """Two sandboxes with the same options answer every question alike, launches included."""
    with org() as other:
        code, out, _ = parity(
            other, "--flow", FLOW, "-i", "Flow.customerName=A", "-i", "Flow.orderId=1", "--yes", "-o", "json"
        )
    report = json.loads(out)

    assert code == 0
    assert report["different"] == 0
    assert [row["probe"] for row in report["rows"]] == [probe.name for probe in PROBES]
    assert all(row["org"] and row["sandbox"] for row in report["rows"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"strict_inputs": True}, {("launch-unknown-input", "status"), ("launch-unknown-input", "code")}),
        ({"rate_headers": True, "rate_per_minute": 300}, {("whoami", "header `inin-ratelimit-count`")}),
        ({"completion_reason": "status"}, {("execution-ended", "`$.completionReason`")}),
        ({"name_filter": "contains"}, {("flows-name-part", "`$.entities[]`")}),
        ({"name_filter": "exact"}, {("flows-name-wildcard", "`$.entities[]`")}),
        ({"form_credentials": True}, {("sign-in-form", "status"), ("sign-in-form", "code")}),
        ({"execution_data": True}, {("instances-query", "status"), ("instances-query", "code")}),
    ],
    ids=str,
)
def test_a_switched_guess_shows(parity, options, expected):
    """An org that decides a guess otherwise than the sandbox shows it at the question that settles it."""
    with org(**options) as other:
        code, out, _ = parity(other, "--flow", FLOW, "--yes", "-o", "json")

    assert code == 0
    assert expected <= differences(out)


def test_nothing_is_launched_unless_it_is_said(parity):
    """Without --yes no request of the script can start anything: none is accepted, none names a flow that exists."""
    with org() as other:
        code, out, err = parity(other, "--flow", FLOW)
        assert other.launches() == []
        assert {entry.status for entry in other.journal("executions.launch")} <= {400, 404, 415}
        assert len(other.journal()) < 40

    assert code == 0
    assert "launches were not asked about" in err
    assert all(f"| `{name}` | not asked | not asked |  |" in out for name in LAUNCHES)


def test_launches_are_few_and_labelled(parity):
    """With --flow and --yes the named flow, and no other, is launched four times at most, each time with a name."""
    with org() as other:
        parity(other, "--flow", FLOW, "-i", "Flow.customerName=A", "-i", "Flow.orderId=1", "--yes")
        launches = other.launches()
        asked = [
            json.loads(one.request_body) for one in other.journal("executions.launch") if FLOW_ID in one.request_body
        ]

    assert len(launches) == 3  # the sandbox refuses a version that is not there; an org may not
    assert {launch.flow_name for launch in launches} == {FLOW}
    assert {launch.name for launch in launches} == {"flowlaunch parity"}
    assert len(asked) == 4
    assert {body["name"] for body in asked} == {"flowlaunch parity"}


def test_yes_alone_is_refused(parity):
    """--yes without the flow that may be launched is a mistake on the command line, and nothing is sent."""
    with org() as other:
        code, _, err = parity(other, "--yes")
        assert other.journal() == []

    assert code == 2
    assert "--yes needs --flow" in err


def test_wrong_credentials_end_it_with_their_own_error(parity):
    """Where the org refuses the credentials, that error is told instead of thirty differences."""
    with org() as other:
        code, out, err = parity(other, secret="wrong")

    assert (code, out) == (4, "")
    assert "invalid_client" in err


def test_an_answer_that_a_permission_is_missing_for_settles_nothing(parity):
    """Where the org refuses with 403 the page says so instead of what the question would settle, and counts them."""
    world = {
        "clients": [{"id": "demo", "secret": "demo-secret", "name": "Reader", "roles": ["reader"]}],
        "roles": {"reader": ["architect:flow:view"]},
        "flows": [{"id": FLOW_ID, "name": FLOW, "type": "workflow", "file": str(FLOW_FILE)}],
    }
    with org(world=world) as other:
        code, out, err = parity(other, "--flow", FLOW, "--yes")
        assert other.launches() == []

    assert code == 0
    refused = [line for line in out.splitlines() if "| 403 missing.any.permissions |" in line]
    assert refused
    assert out.count("It settles nothing: the org refused it (403)") == len(refused)
    assert "It settles the code of an unknown execution." not in out
    assert f"{len(refused)} were refused (403)" in err
    assert "must have at least one of the following permissions assigned: architect:flow:launch" in out


def test_a_given_token_is_enough(monkeypatch, capsys):
    """With a token from elsewhere everything is asked but what needs the client's own credentials."""
    with org(lax_auth=True) as other:
        monkeypatch.setenv("GENESYSCLOUD_REGION", other.url)
        monkeypatch.setenv("GENESYSCLOUD_ACCESS_TOKEN", "any")
        monkeypatch.setattr("flowlaunch.client.Client.whoami", lambda _self: None)  # a made-up token is nobody's
        code = run(["parity", "-o", "json"])
    rows = {row["probe"]: row for row in json.loads(capsys.readouterr().out)["rows"]}

    assert code == 0
    assert rows["sign-in"]["org"] is rows["sign-in"]["sandbox"] is None
    assert rows["sign-in-unknown-client"]["org"]["status"] == 400
    assert rows["whoami"]["org"] is not None


def test_a_lost_answer_is_a_difference_too(parity):
    """A question that one side does not answer is told so, and the rest is asked all the same."""
    with org() as other:
        other.faults.script("limits.namespace", None, DropBeforeReading())
        other.faults.script("flows.versions", None, Status(503, body="<html>busy</html>"))
        code, out, _ = parity(other)

    assert code == 0
    assert "| `limits` | no answer (reset) | 200 | 1 |" in out
    assert "| `flow-versions` | 503 | 200 | 1 |" in out
    assert "| `flow-unknown` | 404 architect.flow.not.found | 404 architect.flow.not.found |  |" in out


def test_what_differs_everywhere_is_told_once(parity):
    """A header that many answers carry stands once on the page, with their number."""
    with org(rate_headers=True, rate_per_minute=300) as other:
        _, out, _ = parity(other)

    assert out.count("inin-ratelimit-count") == 1
    assert "## In many answers" in out


SECRET_NAMES = {
    "organization": {"id": "a0000000-0000-4000-8000-0000000000aa", "name": "Zebrafinch Telecom"},
    "clients": [{"id": "Kestrel-client", "secret": "Kestrel-secret-9", "name": "Kestrel", "roles": ["everything"]}],
    "divisions": [{"id": "d0000000-0000-4000-8000-0000000000dd", "name": "Ostrich division"}],
    "roles": {"everything": ["*"]},
    "flows": [
        {
            "id": "f0000000-0000-4000-8000-0000000000ff", "name": "Heron reminder", "type": "workflow",
            "file": str(FLOW_FILE), "description": "Calls Mr Pelican on 0176-5550",
        },
    ],
}  # fmt: skip


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_no_name_id_secret_or_host_comes_out(monkeypatch, capsys, form):
    """A page about an org holds none of its names, ids, tokens, hosts or secrets, nor the data of the launches."""
    with org(world=SECRET_NAMES, strict_inputs=True) as other:
        monkeypatch.setenv("GENESYSCLOUD_REGION", other.url)
        monkeypatch.setenv("GENESYSCLOUD_OAUTHCLIENT_ID", "Kestrel-client")
        monkeypatch.setenv("GENESYSCLOUD_OAUTHCLIENT_SECRET", "Kestrel-secret-9")
        given = ["-i", "Flow.customerName=Albatross", "-i", "Flow.orderId=Cormorant-7"]
        code = run(["parity", "--flow", "Heron reminder", *given, "--yes", "-o", form])
        executions = [launch.execution_id for launch in other.launches()]
        answers = [entry.answer for entry in other.journal()]
        port = other.url.rpartition(":")[2]
    shown = capsys.readouterr()

    assert code == 0
    assert len(executions) == 2
    assert any("Heron" in answer for answer in answers), "the org said nothing that could leak"
    birds = ["Zebrafinch", "Kestrel", "Ostrich", "Heron", "Pelican", "5550", "Albatross", "Cormorant", "customerName"]
    for bird in [*birds, *executions, "127.0.0.1", port, "-4000-8000-"]:
        assert bird not in shown.out + shown.err


SECRETS = st.text("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_", min_size=8, max_size=40).filter(
    lambda text: text not in FIELDS | TEXTS and not set(text.lower().split("-")) <= WORDS
)


@given(
    secret=SECRETS,
    place=st.sampled_from(
        ["value", "key", "nested", "code", "message", "quoted", "media", "location", "body", "error"]
    ),
    status=st.sampled_from([200, 400, 404, 500]),
)
@settings(max_examples=300, deadline=None)
def test_no_secret_comes_through_wherever_it_stands(secret, place, status):
    """Whatever an org writes, in a key, a value, a header, a code or a message, is not in the page."""
    assume(secret not in page_of("Quetzal-2", place, status))  # nor are a page's own words a secret, as "different"

    assert secret not in page_of(secret, place, status)


def page_of(secret, place, status):
    """Give a page, in both forms, about an answer that has a secret at that place."""
    document = {
        "value": {"name": secret},
        "key": {secret: 1, "properties": {f"Flow.{secret}": {"type": secret}}},
        "nested": {"entities": [{"id": {"name": [secret, {secret: secret}]}}]},
        "code": {"code": secret, "message": f"bad.{secret}"},
        "message": {"code": f"flow.{secret}.missing", "message": f"The flow {secret} was not found."},
        "quoted": {"message": f'No access to "{secret}", see https://{secret}.example.com/{secret}'},
        "error": {"error": secret, "error_description": secret},
    }.get(place, {})
    headers = {
        "content-type": f"text/{secret}" if place == "media" else "application/json",
        "location": f"https://{secret}.example.com" if place == "location" else "",
        "inin-correlation-id": secret,
    }
    body = secret.encode() if place == "body" else json.dumps(document).encode()
    shape = shape_of(status, headers, body)
    page = Report("0", (Row("p", "", shape, shape_of(200, {}, b"{}"), compared(shape, shape_of(200, {}, b"{}"))),))
    return page.markdown() + json.dumps(page.document())


@pytest.mark.parametrize("status", STATUS_CODES)
def test_official_errors_come_through_whole(status):
    """The codes and messages that are published are not torn by gaps; only their digits are."""
    code, message = STATUS_CODES[status]
    shape = shape_of(status, {}, json.dumps({"code": code, "message": message.replace("{wait}", "42")}).encode())

    assert shape.code == code
    assert shape.message == message.replace("{wait}", "#")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Could not find flow with specified ID.", "Could not find flow with specified ID."),
        ("User jane.doe@example.com not found", f"User {GAP} not found"),
        ("Flow 'Payroll Munich' (7 of 12) is locked", f"Flow {GAP} (# of #) is locked"),
        ("error.workflow.expression.unexpectedNull", "error.workflow.expression.unexpectedNull"),
        (None, ""),
        (17, ""),
    ],
)
def test_messages_keep_plain_words(text, shown):
    """A message keeps its plain words; names, addresses and figures become gaps."""
    assert spoken(text) == shown


def test_a_shape_tells_types_and_no_values():
    """Fields are told with the kinds of their values, lists as one entry, unpublished names as gaps."""
    body = {
        "id": "f0000000-0000-4000-8000-000000000001",
        "entities": [{"version": "1.0", "dateCreated": "2026-01-01T00:00:00Z"}, {"version": None, "Flow.secret": 1}],
        "selfUri": "/api/v2/flows/1",
        "status": "RUNNING",
        "total": 2,
    }
    shape = shape_of(200, {"content-type": "application/json; charset=utf-8", "server": "x"}, json.dumps(body).encode())

    assert shape.headers == {"content-type": "application/json"}
    assert shape.fields == {
        "$": "object",
        "$.entities": "list",
        "$.entities[]": "object",
        "$.entities[].dateCreated": "instant",
        "$.entities[].version": "null or number as text",
        f"$.entities[].{GAP}": "integer",
        "$.id": "uuid",
        "$.selfUri": "uri",
        "$.status": '"RUNNING"',
        "$.total": "integer",
    }
    assert set(HEADERS) >= set(shape.headers)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_the_guide_lists_every_request(probe):
    """The how-to has a line for each question, so that whoever owns the org can see what is sent."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "compare-with-an-org.md").read_text("utf-8")
    settles = f"{probe.settles or 'published'}{' (with `--yes`)' if probe.launches else ''}"

    assert f"| `{probe.name}` | `{probe.method} {probe.path}` | {settles} |" in page


def test_every_question_has_a_name_of_its_own():
    """Questions are told apart by name, and only those that may launch name a flow to launch."""
    assert len({probe.name for probe in PROBES}) == len(PROBES)
    for probe in PROBES:
        names_flow = isinstance(probe.body, dict) and probe.body.get("flowId") == "{flow_id}"
        assert probe.launches or not names_flow
