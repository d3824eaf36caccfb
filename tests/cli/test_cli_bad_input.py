"""Bad input through the command line: a clear error, the documented exit code, and no launch."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from flowlaunch.sandbox import HtmlBadGateway, Sandbox, TruncatedJson

FLOW = "Order follow-up"
INPUTS = ("-i", "customerName=Jane", "-i", "orderId=7")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["No such flow", *INPUTS], 7, "flow-unknown", id="unknown flow"),
        pytest.param(["f0000000-0000-4000-8000-999999999999", *INPUTS], 7, "f0000000", id="unknown id"),
        pytest.param(["Callback request"], 7, "candidate: f0000000-0000-4000-8000-000000000007", id="ambiguous"),
        pytest.param(["Returns intake"], 7, "publish", id="unpublished flow"),
        pytest.param([FLOW, *INPUTS, "-i", "colour=red"], 7, "colour is no input", id="wrong key"),
        pytest.param([FLOW, *INPUTS, "-i", "Flow.CUSTOMERNAME=x"], 7, "Flow.customerName", id="wrong case"),
        pytest.param([FLOW, *INPUTS, "-i", "customer_name=x"], 7, "did you mean", id="underscore"),
        pytest.param([FLOW, "-i", "customerName=Jane"], 7, "Flow.orderId is required", id="missing input"),
        pytest.param([FLOW, "-i", "customerName:=3", "-i", "orderId=7"], 7, "not the integer 3", id="wrong type"),
        pytest.param([FLOW, "--input", "[1, 2]"], 7, "is a list, not an object", id="not an object"),
        pytest.param([FLOW, "-i", "priority:=NaN", *INPUTS], 7, "is not JSON", id="NaN"),
        pytest.param([FLOW, "-i", "priority:=high", *INPUTS], 7, "quotes", id="unquoted JSON text"),
        pytest.param([FLOW, "--input", "@/no/such/file.json"], 7, "/no/such/file.json", id="missing file"),
        pytest.param([FLOW, "--input", "{broken"], 7, "is not JSON", id="broken JSON"),
        pytest.param([FLOW, *INPUTS, "--region", "us-est-1"], 2, "us-east-1", id="bad region"),
        pytest.param([FLOW, *INPUTS, "--profile", "nowhere"], 2, "unknown-profile", id="bad profile"),
    ],
)
def test_bad_input_ends_with_a_clear_error_and_no_launch(at_sandbox, sandbox, arguments, code, said):
    """Input that cannot be launched ends with the documented code, names the culprit, and launches nothing."""
    ended = at_sandbox("launch", *arguments)
    assert ended.code == code
    assert ended.out == ""
    assert ended.err.startswith("error[")
    assert said in ended.err
    assert sandbox.journal("executions.launch") == []


def test_a_missing_prefix_is_mended(at_sandbox, sandbox):
    """customerName is sent as Flow.customerName, since that is what the flow calls it."""
    assert at_sandbox("launch", FLOW, *INPUTS).code == 0
    sent = json.dumps([str(entry) for entry in sandbox.journal("executions.launch")])
    assert "Flow.customerName" in sent


def test_a_number_given_as_text_names_the_right_spelling(at_sandbox, sandbox):
    """-i waitSeconds=3 is text; the error says to write -i waitSeconds:=3."""
    ended = at_sandbox("launch", "Delivery reminder", "-i", "orderId=7", "-i", "waitSeconds=3")
    assert ended.code == 7
    assert "-i waitSeconds:=3" in ended.err
    checked = at_sandbox("check", "Delivery reminder", "-i", "orderId=7", "-i", "waitSeconds=3", "-o", "json")
    assert (checked.code, checked.data["is_ok"]) == (7, False)
    assert checked.data["problems"][0]["cure"] == "write -i waitSeconds:=3"
    assert sandbox.launches() == []


def test_too_much_input_data_is_refused(at_sandbox, sandbox, tmp_path):
    """A body over the platform's limit is refused before it is sent."""
    document = tmp_path / "big.json"
    document.write_text(json.dumps({"customerName": "x" * 520_000, "orderId": "7"}))
    ended = at_sandbox("launch", FLOW, "--input", f"@{document}")
    assert ended.code == 7
    assert "512,000" in ended.err
    assert sandbox.journal("executions.launch") == []


@pytest.mark.parametrize(
    ("variables", "code", "said"),
    [
        pytest.param({"GENESYSCLOUD_OAUTHCLIENT_SECRET": ""}, 2, "no-credentials", id="no credentials"),
        pytest.param({"GENESYSCLOUD_OAUTHCLIENT_SECRET": "x"}, 4, "Check the region", id="wrong secret"),
        pytest.param({"GENESYSCLOUD_ACCESS_TOKEN": "expired"}, 4, "token", id="expired token"),
        pytest.param({"FLOWLAUNCH_PROXY": "http://127.0.0.1:9"}, 1, "proxy", id="proxy refused"),
        pytest.param({"FLOWLAUNCH_CA_FILE": "/no/ca.pem"}, 2, "FLOWLAUNCH_CA_FILE", id="missing CA file"),
        pytest.param({"FLOWLAUNCH_CONFIG": "/dev/null/x"}, 2, "/dev/null/x", id="unreadable profile file"),
        pytest.param({"FLOWLAUNCH_TIMEOUT": "-1"}, 2, "FLOWLAUNCH_TIMEOUT", id="bad time"),
    ],
)
def test_bad_settings_end_with_a_clear_error_and_no_launch(at_sandbox, sandbox, variables, code, said):
    """Settings that cannot work end with the documented code and name what is wrong."""
    ended = at_sandbox("launch", FLOW, *INPUTS, env=variables)
    assert ended.code == code, ended.err
    assert said in ended.err
    assert sandbox.launches() == []


def test_an_untrusted_certificate_is_told_and_its_ca_mends_it(command):
    """HTTPS with an unknown CA ends with 1 and names the setting; with that CA the launch goes through."""
    with Sandbox(tls=True) as secured:
        env = {"GENESYSCLOUD_REGION": secured.url, "GENESYSCLOUD_OAUTHCLIENT_ID": "demo"}
        env |= {"GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret"}
        ended = command("launch", FLOW, *INPUTS, env=env)
        assert ended.code == 1
        assert "FLOWLAUNCH_CA_FILE" in ended.err
        assert secured.launches() == []
        trusted = command("launch", FLOW, *INPUTS, env=env | {"FLOWLAUNCH_CA_FILE": str(secured.ca_file)})
        assert trusted.code == 0, trusted.err


@pytest.mark.parametrize(("fault", "said"), [(HtmlBadGateway(), "HTTP 502"), (TruncatedJson(), "truncated")])
def test_an_answer_that_is_no_json_is_survived(at_sandbox, sandbox, fault, said):
    """HTML and cut-off JSON instead of a list of flows end with 1 and a sentence, not a traceback."""
    sandbox.faults.script("flows.list", None, fault)
    ended = at_sandbox("flows", "list", env={"FLOWLAUNCH_TIMEOUT": "1"})
    assert ended.code in {1, 6}
    assert said in ended.err
    assert "internal" not in ended.err


def test_a_web_server_that_is_no_genesys_cloud_is_told(command):
    """A host that answers with a web page ends with an error that doubts the base URL."""
    page = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\nconnection: close\r\n\r\n<html></html>"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(page)

        thread = threading.Thread(target=answer)
        thread.start()
        port = server.getsockname()[1]
        env = {"GENESYSCLOUD_REGION": f"http://127.0.0.1:{port}", "GENESYS_CLIENT_ID": "a"}
        ended = command("launch", FLOW, *INPUTS, env=env | {"GENESYS_CLIENT_SECRET": "b"})
        thread.join()
    assert ended.code in {1, 4}
    assert "error[" in ended.err
    assert "internal" not in ended.err
