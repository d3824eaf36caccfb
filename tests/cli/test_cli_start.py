"""Start-up, help, completion, the sandbox and the demo as a newcomer meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import click
import pytest

from child_processes import ChildProcess
from flowlaunch import __version__
from flowlaunch.cli.app import COMMANDS, cli

HEAVY = (
    "rich",
    "jmespath",
    "aiohttp",
    "urllib3",
    "yaml",
    "starlette",
    "uvicorn",
    "keyring",
    "jsonschema_rs",
    "asyncio",
)


def loaded_by(*arguments: str) -> set[str]:
    program = (
        "import sys\nsys.argv = ['flowlaunch', *sys.argv[1:]]\nfrom flowlaunch.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nprint('\\n' + ' '.join(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in ended.stdout.splitlines()[-1].split()}


def test_version_loads_nothing_that_it_does_not_need(shell):
    """--version prints the version without loading even the command-line library."""
    assert shell("--version").out == f"flowlaunch {__version__}\n"
    assert not {"click", "msgspec", *HEAVY} & loaded_by("--version")


@pytest.mark.parametrize(
    "arguments", [("--help",), ("launch", "--help"), ("flows", "list", "--help"), ("config", "path")]
)
def test_help_and_offline_commands_load_nothing_heavy(arguments):
    """Help and commands without network load no HTTP library, no server, no table drawing."""
    assert not set(HEAVY) & loaded_by(*arguments)


def test_the_list_of_commands_says_what_each_command_says():
    """The line of a command in `flowlaunch --help` is the first of its own help."""
    context = click.Context(cli)
    for name, (_, about) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert (command.help or "").strip().splitlines()[0] == about


def test_without_a_command_the_help_is_shown(command):
    """`flowlaunch` alone shows the help."""
    ended = command()
    assert "Usage: flowlaunch" in ended.out + ended.err


def test_a_mistyped_command_names_the_likely_one(command):
    """`flowlaunch lanch` ends with 2 and names launch."""
    ended = command("lanch")
    assert ended.code == 2
    assert "did you mean launch?" in ended.err


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_is_there_for_three_shells(shell, name):
    """Each shell gets a completion script, and words are completed."""
    ended = shell(env={"_FLOWLAUNCH_COMPLETE": f"{name}_source"})
    assert (ended.code, "flowlaunch" in ended.out) == (0, True)
    words = shell(env={"_FLOWLAUNCH_COMPLETE": "bash_complete", "COMP_WORDS": "flowlaunch la", "COMP_CWORD": "1"})
    assert words.out == "plain,launch\n"


def test_a_reader_that_leaves_early_does_no_harm(sandbox_env):
    """`flowlaunch flows list | head -0` ends without a traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    with ChildProcess(
        [sys.executable, "-m", "flowlaunch", "flows", "list", "-o", "json"],
        env=sandbox_env, stdout=writing, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.close(writing)
        _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert "Exception" not in err


def test_the_sandbox_is_served_until_it_is_interrupted(started, shell):
    """sandbox serve prints its URL, works with the variables that it names, and stops on Ctrl-C with 0."""
    running = started("sandbox", "serve", "--port", "0", "--rate", "0")
    told = [running.line().strip() for _ in range(5)]
    url = told[1].partition("=")[2]
    assert url.startswith("http://127.0.0.1:")
    assert "GENESYSCLOUD_OAUTHCLIENT_ID=demo" in told[2]
    listed = shell("flows", "list", "-o", "json", env={"GENESYSCLOUD_REGION": url})
    assert "Order follow-up" in {flow["name"] for flow in json.loads(listed.out)}
    ended = running.interrupt()
    assert ended.code == 0
    assert ended.out.strip() == url
    assert "Traceback" not in ended.err


def test_a_taken_port_is_told(started, shell):
    """sandbox serve on a port in use ends with 1 and names another way."""
    running = started("sandbox", "serve", "--port", "0")
    running.line()
    port = running.line().strip().rpartition(":")[2]
    ended = shell("sandbox", "serve", "--port", port)
    assert ended.code == 1
    assert "--port" in ended.err


def test_the_demo_shows_a_result_a_wrong_key_and_a_lost_answer(shell):
    """demo needs no settings: it prints the run, names wrong keys, shows one POST for a lost answer, and a batch."""
    ended = shell("demo", "-o", "json", env={"GENESYSCLOUD_REGION": "nonsense", "FLOWLAUNCH_CONTRACT": "guide"})
    assert ended.code == 0
    assert ended.data["status"] == "COMPLETED"
    assert ended.data["output_data"]["Flow.team"] == "priority-orders"
    for part in (
        "did you mean Flow.customerName?",
        "launches sent: 0",
        "error[launch-in-doubt]",
        "launches sent: 1",
        "duplicate-in-file",
        "12 of 14 rows launched",
        "12 launches of 12 orders, none of them twice",
    ):
        assert part in ended.err


def test_the_sandbox_names_settings_that_fit_its_world(started, tmp_path):
    """With a world file, `sandbox serve` names a client of that world, never a secret of it, and the contract."""
    world = tmp_path / "world.yaml"
    world.write_text("clients: [{id: mine, secret: mine-secret, roles: [everything]}]\n", "utf-8")
    running = started("sandbox", "serve", "--port", "0", "--world", str(world), "--contract", "guide")
    told = "".join(running.line() for _ in range(6))
    ended = running.interrupt()
    assert "GENESYSCLOUD_OAUTHCLIENT_ID=mine " in told
    assert "FLOWLAUNCH_CONTRACT=guide" in told
    assert "mine-secret" not in told + ended.err
    assert "demo" not in told


def test_names_that_an_output_cannot_spell_do_no_harm(shell, sandbox):
    """On an output that only takes ASCII, other letters are spelled out instead of ending the command."""
    sandbox.upload_flow(
        'workflow:\n  name: "Fl\u00fcge"\n  startUpRef: ./states/state[s]\n  states:\n    - state:\n'
        "        name: s\n        refId: s\n        actions:\n          - endWorkflow:\n              name: e\n"
    )
    ended = shell("flows", "list", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert ended.code == 0
    assert "Fl\\xfcge" in ended.out
