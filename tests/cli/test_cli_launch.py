"""Launch, status and wait from the shell, with every exit code."""

from __future__ import annotations

import json
import threading
import time

import pytest

from flowlaunch.sandbox import DropAfterProcessing, Hang, Status

FLOW = "Order follow-up"
INPUTS = ("-i", "customerName=Jane", "-i", "orderId=7")
LAUNCH = "executions.launch"


def test_launch_prints_the_execution_and_status_reads_it(at_sandbox, sandbox):
    """A launch ends with 0 and its id on standard output, with which status finds the execution."""
    launched = at_sandbox("launch", FLOW, *INPUTS, "--name", "label", "--key", "k-1", "-o", "json")
    assert launched.code == 0
    assert launched.data["key"] == "k-1"
    assert sandbox.launches()[0].execution_id == launched.data["id"]
    status = at_sandbox("status", launched.data["id"], "--query", "[status, name]", "-o", "json")
    assert (status.code, status.data) == (0, ["COMPLETED", "label"])


def test_launch_and_wait_prints_the_result(shell):
    """With --wait the result of the flow comes to standard output, and the talk to standard error."""
    ended = shell("launch", FLOW, *INPUTS, "--wait", "-o", "json")
    assert ended.code == 0
    assert ended.data["output_data"]["Flow.message"].startswith("Hello Jane")
    assert f"execution {ended.data['id']}: COMPLETED" in ended.err


def test_off_a_terminal_there_is_no_colour_and_no_movement(shell):
    """Without a terminal, no output has an escape sequence, not even with a forced terminal type."""
    ended = shell("launch", FLOW, *INPUTS, "--wait", env={"TERM": "xterm-256color"})
    assert ended.code == 0
    assert "\x1b" not in ended.out + ended.err
    assert "\r" not in ended.out + ended.err


def test_quiet_leaves_only_data(at_sandbox):
    """--quiet prints the data and nothing on standard error."""
    ended = at_sandbox("launch", FLOW, *INPUTS, "--wait", "--quiet", "--query", "status")
    assert (ended.code, ended.out, ended.err) == (0, "COMPLETED\n", "")


def test_input_data_comes_from_a_file_and_single_inputs_overrule_it(at_sandbox, sandbox, tmp_path):
    """--input @file gives the input data, and -i changes one value of it."""
    document = tmp_path / "order.json"
    document.write_text(json.dumps({"Flow.customerName": "Ann", "Flow.orderId": "1"}))
    ended = at_sandbox("launch", FLOW, "--input", f"@{document}", "-i", "Flow.orderId=2", "--wait", "-o", "json")
    assert "Ann" in ended.data["output_data"]["Flow.message"]
    assert "order 2" in ended.data["output_data"]["Flow.message"]
    assert len(sandbox.launches()) == 1


def test_input_data_comes_from_standard_input(shell):
    """--input - reads the input data from a pipe."""
    ended = shell(
        "launch", FLOW, "--input", "-", "--wait", "-o", "json", stdin='{"customerName": "Pip", "orderId": "1"}'
    )
    assert ended.code == 0
    assert "Pip" in ended.data["output_data"]["Flow.message"]


def test_the_flow_can_come_from_the_settings(at_sandbox, sandbox):
    """Without FLOW, GENESYS_FLOW_ID names the flow, and the talk says so."""
    ended = at_sandbox("launch", *INPUTS, env={"GENESYS_FLOW_ID": FLOW})
    assert ended.code == 0
    assert "environment GENESYS_FLOW_ID" in ended.err
    assert len(sandbox.launches()) == 1


def test_without_any_flow_it_is_a_usage_error(at_sandbox):
    """Without FLOW and without a setting, launch ends with 2 and says how to name a flow."""
    ended = at_sandbox("launch", *INPUTS)
    assert ended.code == 2
    assert "GENESYS_FLOW_ID" in ended.err


def test_a_dry_run_shows_the_request_and_sends_none(at_sandbox, sandbox):
    """--dry-run shows method, URL, headers without the token, and body; nothing is launched."""
    ended = at_sandbox("launch", FLOW, *INPUTS, "--key", "k-9", "--dry-run")
    assert ended.code == 0
    assert ended.out.startswith(f"POST {sandbox.url}/api/v2/flows/executions\n")
    assert '"Flow.customerName": "Jane"' in ended.out
    assert "demo-secret" not in ended.out
    assert "Bearer" not in ended.out
    shown = at_sandbox("launch", FLOW, *INPUTS, "--dry-run", "-o", "json").data
    assert shown["body"]["inputData"] == {"Flow.customerName": "Jane", "Flow.orderId": "7"}
    assert sandbox.launches() == []


def test_a_dry_run_of_bad_input_says_what_a_launch_would_say(at_sandbox, sandbox):
    """--dry-run with a wrong key names the problem and ends with 7."""
    ended = at_sandbox("launch", FLOW, "-i", "customername=x", "--dry-run")
    assert ended.code == 7
    assert "did you mean Flow.customerName?" in ended.err
    assert sandbox.launches() == []


def test_a_flow_that_fails_ends_with_3_and_says_why(at_sandbox):
    """A run that fails is printed, explained with the expression at fault, and ends with 3."""
    ended = at_sandbox("launch", "Refund check", "--wait", "-o", "json")
    assert ended.code == 3
    assert ended.data["status"] == "FAILED"
    assert "error[execution-failed]" in ended.err
    assert "Length(Flow.reason)" in ended.err
    assert "NOT_SET" in ended.err
    again = at_sandbox("wait", ended.data["id"], "-o", "json")
    assert (again.code, again.data["id"]) == (3, ended.data["id"])
    assert at_sandbox("status", ended.data["id"]).code == 0


@pytest.mark.parametrize(
    ("client", "wanted"),
    [(("demo", "wrong"), "invalid_client"), (("demo-nolaunch", "demo-nolaunch-secret"), "architect:flow:launch")],
)
def test_refused_credentials_and_permissions_end_with_4(at_sandbox, sandbox, client, wanted):
    """A wrong secret and a missing permission end with 4 and name what is missing; nothing was launched."""
    env = {"GENESYSCLOUD_OAUTHCLIENT_ID": client[0], "GENESYSCLOUD_OAUTHCLIENT_SECRET": client[1]}
    ended = at_sandbox("launch", FLOW, *INPUTS, env=env)
    assert ended.code == 4
    assert wanted in ended.err
    assert sandbox.launches() == []


def test_a_launch_in_doubt_ends_with_5_and_was_sent_once(at_sandbox, sandbox):
    """A lost answer ends with 5, tells flow, key, time and what to do, and the launch was sent once."""
    sandbox.faults.next(LAUNCH, DropAfterProcessing())
    ended = at_sandbox("launch", FLOW, *INPUTS, "--key", "order-7")
    assert (ended.code, ended.out) == (5, "")
    for part in (
        "error[launch-in-doubt]",
        "key: order-7",
        "started at: 20",
        "flow: f0000000",
        "Launch again only when",
    ):
        assert part in ended.err
    assert len(sandbox.journal(LAUNCH)) == 1


def test_an_answer_of_the_gateway_names_its_correlation_id(at_sandbox, sandbox):
    """A 504 after a launch is in doubt too, and its correlation id is told."""
    sandbox.faults.next(LAUNCH, Status(504))
    ended = at_sandbox("launch", FLOW, *INPUTS)
    assert ended.code == 5
    assert sandbox.journal(LAUNCH)[0].correlation_id in ended.err


def test_a_rate_limit_beyond_the_time_ends_with_6(at_sandbox, sandbox):
    """A 429 that asks for hours ends at once with 6 and tells after how long to come back."""
    sandbox.faults.next(LAUNCH, Status(429, retry_after_s=7200), times=9)
    ended = at_sandbox("launch", FLOW, *INPUTS)
    assert ended.code == 6
    assert "7200" in ended.err
    assert sandbox.launches() == []


def test_a_wait_that_runs_out_ends_with_6_and_says_how_to_wait_again(at_sandbox):
    """--timeout bounds the wait: the last state is printed, the run goes on, and the command to wait again is told."""
    ended = at_sandbox("launch", "Delivery reminder", "-i", "orderId=7", "--wait", "--timeout", "0.5", "-o", "json")
    assert ended.code == 6
    assert ended.data["id"]
    assert f"flowlaunch wait {ended.data['id']}" in ended.err


def test_interrupting_the_wait_leaves_the_execution_running(started, sandbox):
    """Ctrl-C while waiting ends with 130 and says that the execution goes on and how to wait for it."""
    running = started("launch", "Delivery reminder", "-i", "orderId=7", "--wait", "-o", "json")
    assert "RUNNING" in running.line()
    ended = running.interrupt()
    execution_id = sandbox.launches()[0].execution_id
    assert ended.code == 130
    assert f"flowlaunch wait {execution_id}" in ended.err
    assert ended.data["id"] == execution_id
    assert "Traceback" not in ended.err


def test_interrupting_the_launch_itself_is_in_doubt(started, sandbox):
    """Ctrl-C while the launch is on its way ends with 5, because it may have arrived."""
    sandbox.faults.next(LAUNCH, Hang(seconds=300, processed=True))
    running = started("launch", FLOW, *INPUTS, "--key", "order-8")
    moment, deadline_s = threading.Event(), time.monotonic() + 60
    while not sandbox.launches() and time.monotonic() < deadline_s:
        moment.wait(0.02)  # another process; there is nothing to be told by
    ended = running.interrupt()
    assert ended.code == 5
    assert "key: order-8" in ended.err
    assert len(sandbox.launches()) == 1


def test_an_unreachable_host_ends_with_1(at_sandbox):
    """When nothing listens, the launch ends with 1 and says that nothing was sent."""
    ended = at_sandbox("launch", FLOW, *INPUTS, env={"GENESYSCLOUD_REGION": "http://127.0.0.1:9"})
    assert ended.code == 1
    assert "nothing was sent" in ended.err


def test_a_wrong_command_line_ends_with_2(at_sandbox, sandbox):
    """Mistyped options, pairs and numbers end with 2 and name the help."""
    for arguments in (
        ("--wat",),
        ("-i", "customerName"),
        ("--timeout", "0"),
        ("-i", "a=1", "-i", "a=2"),
        ("--input", "f.json"),
    ):
        ended = at_sandbox("launch", FLOW, *arguments)
        assert ended.code == 2, arguments
        assert "error[usage]" in ended.err
        assert "flowlaunch launch --help" in ended.err
    assert sandbox.launches() == []


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(at_sandbox):
    """--client-secret is refused with the cure, and its value is not printed."""
    for flag in ("--client-secret", "--access-token"):
        ended = at_sandbox("launch", FLOW, flag, "hunter2")
        assert ended.code == 2
        assert "config set-secret" in ended.err
        assert "hunter2" not in ended.err + ended.out


def test_flags_overrule_the_environment(at_sandbox, sandbox):
    """--region and --client-id win over the variables."""
    ended = at_sandbox(
        "launch", FLOW, *INPUTS, "--region", sandbox.url, "--client-id", "demo",
        env={"GENESYSCLOUD_REGION": "http://127.0.0.1:9", "GENESYSCLOUD_OAUTHCLIENT_ID": "other"},
    )  # fmt: skip
    assert ended.code == 0


def test_preflight_can_be_a_warning_or_off(at_sandbox, sandbox):
    """With --preflight warn or off, data that does not fit is launched as given."""
    warned = at_sandbox("launch", FLOW, "-i", "customer=x", "--preflight", "warn")
    assert warned.code == 0
    assert "warning: " in warned.err
    assert "customer is no input" in warned.err
    silent = at_sandbox("launch", FLOW, "-i", "customer=x", "--preflight", "off")
    assert (silent.code, "warning" in silent.err) == (0, False)
    assert len(sandbox.launches()) == 2


def test_a_long_pause_is_told(at_sandbox, sandbox):
    """When the service asks for a wait, the wait is told, and then the launch goes through."""
    sandbox.faults.next(LAUNCH, Status(429, retry_after_s=2))
    ended = at_sandbox("launch", FLOW, *INPUTS)
    assert ended.code == 0
    assert "waiting 2 s before the next attempt" in ended.err
    assert len(sandbox.launches()) == 1


def test_the_guide_contract_can_be_spoken(command):
    """--contract guide launches in a sandbox that speaks the guides' contract."""
    from flowlaunch.sandbox import Sandbox

    with Sandbox(contract="guide") as guide:
        env = {"GENESYS_CLIENT_ID": "demo", "GENESYS_CLIENT_SECRET": "demo-secret", "GENESYSCLOUD_REGION": guide.url}
        ended = command("launch", FLOW, *INPUTS, "--contract", "guide", "-o", "json", env=env)
        assert ended.code == 0, ended.err
        assert len(guide.launches()) == 1
