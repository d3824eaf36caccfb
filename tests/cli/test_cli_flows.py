"""`flows`, `check` and `whoami` from the shell."""

from __future__ import annotations

FLOW = "Order follow-up"


def test_flows_are_listed_by_name_type_and_division(at_sandbox):
    """flows list shows workflows; --type any shows the others too, and filters narrow the list."""
    names = at_sandbox("flows", "list", "--query", "[].name", "-o", "json").data
    assert FLOW in names
    assert "Main IVR" not in names
    assert "Main IVR" in at_sandbox("flows", "list", "--type", "any", "--query", "[].name", "-o", "json").data
    assert at_sandbox("flows", "list", "--name", FLOW, "--query", "[].name", "-o", "json").data == [FLOW]
    division = "d0000000-0000-4000-8000-000000000002"
    assert at_sandbox("flows", "list", "--division", division, "--query", "[].name", "-o", "json").data == [
        "Callback request"
    ]


def test_one_flow_is_shown_with_its_schemas_in_json(at_sandbox):
    """flows show is short as a table and complete as JSON."""
    short = at_sandbox("flows", "show", FLOW)
    assert "published_version.name  1.0" in short.out
    assert "input_schema" not in short.out
    whole = at_sandbox("flows", "show", FLOW, "-o", "json").data
    assert "Flow.customerName" in whole["input_schema"]["properties"]


def test_the_inputs_of_a_flow_are_listed_as_a_launch_spells_them(at_sandbox):
    """flows inputs tells name, type and whether an input is required."""
    ended = at_sandbox("flows", "inputs", FLOW, "-o", "json")
    assert [one["name"] for one in ended.data if one["required"]] == ["Flow.customerName", "Flow.orderId"]
    assert "takes 4 inputs" in ended.err


def test_good_input_data_passes_the_check(at_sandbox, sandbox):
    """check of right data ends with 0, shows the keys as they would be sent, and launches nothing."""
    ended = at_sandbox("check", FLOW, "-i", "customerName=Jane", "-i", "orderId=7", "-o", "json")
    assert ended.code == 0
    assert ended.data["is_ok"]
    assert ended.data["input_data"] == {"Flow.customerName": "Jane", "Flow.orderId": "7"}
    assert "would be sent" in at_sandbox("check", FLOW, "-i", "customerName=Jane", "-i", "orderId=7").err
    assert sandbox.journal("executions.launch") == []


def test_whoami_tells_org_and_client(at_sandbox, sandbox):
    """whoami names the organization, the client and the API that was asked."""
    found = at_sandbox("whoami", "-o", "json").data
    assert (found["organization"], found["client"], found["api_url"]) == ("Sandbox Ltd", "Demo", sandbox.url)


def test_an_unknown_execution_ends_with_7(at_sandbox):
    """status and wait of an id that does not exist end with 7 and say what to check."""
    unknown = "11111111-1111-4111-8111-111111111111"
    for name in ("status", "wait"):
        ended = at_sandbox(name, unknown)
        assert ended.code == 7
        assert unknown in ended.err
