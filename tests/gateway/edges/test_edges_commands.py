"""Keys, links, callbacks and the audit log from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from edges_world import Receiver, answer

from child_processes import ChildProcess
from flowlaunch.cli.app import run
from flowlaunch.gateway.access.gatekeeper import Gatekeeper
from flowlaunch.gateway.access.sessions import Sessions
from flowlaunch.gateway.store import delivery_views
from flowlaunch.sandbox import Sandbox


@pytest.fixture
def command(door, clock, capsys):
    """Run `flowlaunch gateway …` on the door's ledger: (exit code, standard output, standard error)."""
    clock.unix_s = time.time()  # the commands go by the real clock

    def call(*arguments):
        code = run(["gateway", *arguments, "--ledger", str(door.path)])
        said = capsys.readouterr()
        return code, said.out.strip(), said.err

    return call


def test_a_key_is_printed_alone_and_works(command, door):
    """`keys create` prints the key and nothing else on standard output, so that a script can take it."""
    code, key, told = command("keys", "create", "crm", "--scope", "launch", "--per-minute", "60", "--expires", "90d")
    assert code == 0
    assert Gatekeeper(door.store).caller_of(key).name == "crm"
    assert key not in told
    [listed] = json.loads(command("keys", "list", "-o", "json")[1])
    assert (listed["name"], listed["scopes"], listed["per_minute"]) == ("crm", "launch", 60)
    assert listed["expires_at"] is not None


def test_the_ledger_can_be_named_by_the_environment(door, capsys, monkeypatch):
    """Where --ledger is not given, FLOWLAUNCH_LEDGER names the gateway's ledger, as it does for batches and workers."""
    monkeypatch.setenv("FLOWLAUNCH_LEDGER", str(door.path))
    assert run(["gateway", "keys", "create", "crm"]) == 0
    key = capsys.readouterr().out.strip()
    assert Gatekeeper(door.store).caller_of(key).name == "crm"


def test_keys_are_rotated_and_revoked_by_name(command, door, clock):
    """`keys rotate` prints a new key and says until when the old one works; `keys revoke` asks first."""
    first = command("keys", "create", "crm")[1]
    code, second, told = command("keys", "rotate", "crm", "--overlap", "2h")
    assert code == 0
    assert second != first
    assert "taken until 20" in told
    assert command("keys", "revoke", "crm")[0] == 2
    assert json.loads(command("keys", "revoke", "crm", "--yes", "-o", "json")[1])["state"] == "revoked"
    assert command("keys", "list", "-o", "json")[1] == "[]"
    assert len(json.loads(command("keys", "list", "--all", "-o", "json")[1])) == 1
    assert Gatekeeper(door.store).caller_of(second) is None


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("keys", "rotate", "nobody"), 7),
        (("keys", "create", "x", "--scope", "root"), 2),
        (("keys", "create", "x", "--expires", "soon"), 2),
        (("keys", "create", "x", "--expires", "0d"), 7),
        (("keys", "create", "x", "--per-minute", "0"), 2),
        (("callbacks", "replay"), 2),
        (("callbacks", "replay", "no-such"), 7),
        (("callbacks", "secret", "nobody"), 7),
        (("link", "--scope", "launch"), 2),
    ],
)
def test_a_mistake_is_told_with_its_exit_code(command, arguments, code):
    """Wrong names and values end with the documented codes and change nothing."""
    ended = command(*arguments)
    assert (ended[0], ended[1]) in {(code, ""), (code, "[]")}
    assert "error[" in ended[2]


def test_no_secret_is_taken_on_the_command_line(command):
    """There is no option for a secret: the process list and the shell's history would show it."""
    for option in ("--secret", "--token"):
        code, _, told = command("keys", "create", "x", option, "s3cret")
        assert code == 2
        assert "s3cret" not in told


def test_a_link_signs_in_once(command, door):
    """`gateway link` prints an address whose secret stands behind the #; it signs in once."""
    code, link, _ = command("link", "--scope", "read", "--name", "ann", "--url", "https://gw.example/")
    address, _, token = link.partition("#")
    assert (code, address) == (0, "https://gw.example/sign-in")
    assert Sessions(door.store).open_by_link(token).session.caller.name == "ann"
    assert Sessions(door.store).open_by_link(token) is None


async def test_dead_callbacks_are_listed_and_replayed(command, door, clock):
    """`callbacks list --state dead` shows what was given up, `callbacks replay --dead` has it sent again."""
    async with Receiver(answer(410), answer(410), answer(200)) as receiver:
        for _ in range(2):
            door.end(door.launch(f"{receiver.origin}/hidden?token=s3cret"))
        outbox = door.callbacks(receiver.origin)
        await outbox.drain()
        code, shown, told = command("callbacks", "list", "--state", "dead")
        assert (code, shown.count("launch.completed")) == (0, 2)
        assert "2 dead" in told
        assert "s3cret" not in shown
        assert command("callbacks", "replay", "--dead")[0] == 2  # nobody is there to ask
        assert command("callbacks", "replay", "--dead", "--yes")[0] == 0
        clock.advance(60)
        await outbox.drain()
    assert delivery_views.count_by_state(door.store)["delivered"] == 2


def test_the_callback_secret_of_a_key_is_what_signs(command, door):
    """`callbacks secret` prints the secret of one key, or of a webhook's launches."""
    key = command("keys", "create", "crm")[1]
    by_name, by_id = (command("callbacks", "secret", one)[1] for one in ("crm", key.split("_")[1]))
    assert by_name == by_id
    assert by_name.startswith("whsec_")
    assert command("callbacks", "secret", "hook:shop")[1] not in {"", by_name}


def test_the_audit_log_is_read_from_the_command_line(command):
    """`gateway audit` tells who did what, newest first."""
    command("keys", "create", "crm")
    command("link")
    lines = json.loads(command("audit", "-o", "json")[1])
    assert [one["what"] for one in lines] == ["link.create", "key.create"]
    assert all("@" in one["name"] for one in lines)
    assert len(json.loads(command("audit", "--what", "key.create", "-o", "json")[1])) == 1


def test_webhook_messages_are_listed(command):
    """`gateway webhooks` lists nothing, and says so well, where nothing came."""
    assert command("webhooks", "--refused", "-o", "json")[:2] == (0, "[]")


def test_a_gateway_whose_talk_goes_to_a_log_writes_no_secret_there(tmp_path):
    """Served by a service manager, the gateway prints no sign-in link: a log is no place for one."""
    with Sandbox(rate_per_minute=None) as sandbox:
        environment = os.environ | {
            "GENESYSCLOUD_REGION": sandbox.url,
            "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret",
        }
        serve = [sys.executable, "-m", "flowlaunch", "gateway", "serve", "--port", "0", "--ledger", tmp_path / "g"]
        served = ChildProcess(serve, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            url = served.stdout.readline().strip()
        finally:
            served.terminate()
            said = "".join(served.communicate(timeout=60))
    assert f"flowlaunch gateway link --url {url}" in said
    assert "sign-in#" not in said
    assert "demo-secret" not in said
