"""`doctor`: what it finds, what it says to fix, and how it ends."""

from __future__ import annotations

import pytest

from flowlaunch.doctor import STEPS
from flowlaunch.sandbox import Sandbox, Status

NAMES = [step.name for step in STEPS]


def states(ended) -> dict[str, str]:
    return {row["step"]: row["state"] for row in ended.data}


def test_a_healthy_setup_passes_every_step(at_sandbox, sandbox):
    """With good settings each step is ok, launching is honestly unknown, and nothing is launched."""
    ended = at_sandbox("doctor", "Order follow-up", "-o", "json")
    assert ended.code == 0
    found = states(ended)
    assert list(found) == NAMES
    assert {name for name, state in found.items() if state != "ok"} <= {"launch permission", "limits"}
    assert found["launch permission"] == "unknown"
    inputs = next(row for row in ended.data if row["step"] == "inputs")
    assert "Flow.customerName (string" in inputs["found"]
    assert sandbox.journal("executions.launch") == []


@pytest.mark.parametrize(
    ("variables", "flow", "failed", "code", "cure"),
    [
        pytest.param({"GENESYSCLOUD_REGION": "us-est-1"}, None, "settings", 2, "region", id="region"),
        pytest.param({"GENESYSCLOUD_OAUTHCLIENT_ID": ""}, None, "settings", 2, "GENESYSCLOUD_OAUTHCLIENT_ID", id="id"),
        pytest.param({"GENESYSCLOUD_REGION": "http://127.0.0.1:9"}, None, "connection", 1, "sandbox", id="port"),
        pytest.param({"GENESYSCLOUD_REGION": "https://no.invalid"}, None, "name lookup", 1, "spelling", id="name"),
        pytest.param({"FLOWLAUNCH_PROXY": "http://127.0.0.1:9"}, None, "connection", 1, "proxy", id="proxy"),
        pytest.param({"GENESYSCLOUD_OAUTHCLIENT_SECRET": "x"}, None, "sign-in", 4, "region", id="secret"),
        pytest.param({}, "No such flow", "flow", 7, "flows list", id="flow"),
        pytest.param({}, "Returns intake", "flow", 7, "ublish", id="unpublished"),
    ],
)
def test_the_first_failed_step_decides_and_says_what_to_fix(at_sandbox, variables, flow, failed, code, cure):
    """A broken setup fails at the right step with a cure, what depends on it is skipped, and the code follows."""
    ended = at_sandbox("doctor", *([flow] if flow else []), "-o", "json", env=variables)
    assert ended.code == code
    first = next(row for row in ended.data if row["state"] == "failed")
    assert first["step"] == failed
    assert cure in first["cure"] + first["found"]
    dependents = [step.name for step in STEPS if failed in step.needs]
    assert all(states(ended)[name] == "skipped" for name in dependents)


def test_a_missing_permission_is_named(at_sandbox, sandbox):
    """A client that may not list flows fails that step with 4 and the permission's name."""
    sandbox.faults.script("flows.list", None, Status(403))
    ended = at_sandbox("doctor", "-o", "json")
    assert ended.code == 4
    row = next(row for row in ended.data if row["state"] == "failed")
    assert row["step"] == "list flows"
    assert "architect:flow:view" in row["cure"]
    assert states(ended)["read executions"] == "ok"


def test_a_clock_that_is_wrong_is_warned_about(at_sandbox, sandbox):
    """When the server's clock is an hour off, the clock step warns by how much."""
    sandbox.advance(3600)
    row = next(row for row in at_sandbox("doctor", "-o", "json").data if row["step"] == "clock")
    assert row["state"] == "warning"
    assert "3600 s behind" in row["found"] or "3599 s behind" in row["found"]


def test_an_untrusted_certificate_fails_the_connection(command):
    """TLS with an unknown CA fails at the connection; with the CA file every step up to whoami is ok."""
    with Sandbox(tls=True) as secured:
        env = {"GENESYSCLOUD_REGION": secured.url, "GENESYS_CLIENT_ID": "demo", "GENESYS_CLIENT_SECRET": "demo-secret"}
        broken = command("doctor", "-o", "json", env=env)
        assert (broken.code, states(broken)["connection"]) == (1, "failed")
        mended = command("doctor", "-o", "json", env=env | {"FLOWLAUNCH_CA_FILE": str(secured.ca_file)})
        assert (mended.code, states(mended)["whoami"]) == (0, "ok")
        connection = next(row for row in mended.data if row["step"] == "connection")
        assert "TLSv1" in connection["found"]


def test_a_pace_above_the_limit_is_warned_about(at_sandbox):
    """A pace above what the org allows warns with the setting that mends it."""
    ended = at_sandbox("doctor", "-o", "json", env={"FLOWLAUNCH_PACE": "9000"})
    row = next(row for row in ended.data if row["step"] == "limits")
    assert row["state"] == "warning"
    assert "FLOWLAUNCH_PACE=" in row["cure"]


def test_as_a_table_each_step_is_a_line(at_sandbox):
    """Without -o the steps are lines with their state first."""
    ended = at_sandbox("doctor")
    assert [line.split()[0] for line in ended.out.splitlines() if not line.startswith(" ")] == [
        *["ok"] * 8, "unknown", "ok", "skipped", "skipped",
    ]  # fmt: skip
