"""`demo`: a real workflow launched in a sandbox of its own, two ways in which launches go wrong, a small batch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.failures import text_of
from flowlaunch.cli.outcome import follow
from flowlaunch.cli.session import Session, command_options
from flowlaunch.errors import FlowlaunchError, LaunchInDoubtError, PreflightError, SandboxError

if TYPE_CHECKING:
    from flowlaunch.client import Client
    from flowlaunch.sandbox import Sandbox

__all__ = ["demo_command"]

_FLOW: Final = "Order follow-up"
_INPUT: Final = {"customerName": "Jane Doe", "orderId": "ORD-998877", "priority": "high"}
_LAUNCH: Final = "executions.launch"


@click.command("demo")
@command_options(settings=False)
def demo_command(session: Session) -> None:
    """Launch a real workflow in a sandbox of its own and show what came of it.

    Needs no account, no network and no files. Then it shows how a wrong key is caught before the launch, what a
    launch whose answer was lost looks like, and a small batch that is stopped half-way and goes on.
    """
    from flowlaunch.cli.demo_batch import show_batch  # noqa: PLC0415 - loads the database library
    from flowlaunch.sandbox import Sandbox  # noqa: PLC0415 - loads the flow language and the server

    started_s = time.monotonic()
    with Sandbox() as sandbox:
        session.talk(f"A sandbox is running at {sandbox.url}: a local Genesys Cloud, no account, no network.")
        with _client(sandbox.url) as client:
            _launch(session, client)
            _wrong_key(session, client, sandbox)
            _lost_answer(session, client, sandbox)
        show_batch(session, sandbox, _FLOW)
    session.talk(f"\nThat took {time.monotonic() - started_s:.1f} s. Now try it yourself:")
    session.talk(
        "  flowlaunch sandbox serve          (then, in another shell)\n"
        "  flowlaunch launch --help\n  flowlaunch batch plan --help"
    )


def _client(url: str) -> Client:
    from flowlaunch.client import Client  # noqa: PLC0415 - loads the HTTP library
    from flowlaunch.settings import Settings  # noqa: PLC0415

    # Settings made here, not loaded: the demo never meets the user's own org.
    return Client.from_settings(Settings(region=url, client_id="demo", client_secret="demo-secret"))  # noqa: S106 - the sandbox's own


def _launch(session: Session, client: Client) -> None:
    inputs = client.flow_inputs(_FLOW)
    session.talk(f"\n1. Launch the Architect workflow '{_FLOW}'. Its inputs:")
    for one in inputs.inputs:
        session.talk(f"     {one.name} ({one.type})")
    launched = client.launch(_FLOW, _INPUT, name="demo", key="demo-1")
    session.talk(f"   accepted: execution {launched.id}. Waiting for its end; its result:\n")
    follow(session, client, launched, None)


def _wrong_key(session: Session, client: Client, sandbox: Sandbox) -> None:
    session.talk("\n2. Launch it with keys that the flow does not have. The platform would take them in silence,")
    session.talk("   and the run would go on without the data. flowlaunch says so before anything is sent:\n")
    before = _posts(sandbox)
    wrong: dict[str, Any] = {"customer_name": "Jane Doe", "OrderID": "ORD-998877"}
    _show(session, _expected(PreflightError, client, wrong))
    session.talk(f"   launches sent: {_posts(sandbox) - before}")


def _lost_answer(session: Session, client: Client, sandbox: Sandbox) -> None:
    from flowlaunch.sandbox import DropAfterProcessing  # noqa: PLC0415

    session.talk("\n3. The sandbox now takes a launch and drops the connection instead of answering. The flow is")
    session.talk("   running, but nobody knows its id. Launching again would run it twice; flowlaunch does not:\n")
    before = _posts(sandbox)
    sandbox.faults.next(_LAUNCH, DropAfterProcessing())
    _show(session, _expected(LaunchInDoubtError, client, _INPUT))
    session.talk(f"   launches sent: {_posts(sandbox) - before}, as the sandbox's journal shows")


def _expected(kind: type[FlowlaunchError], client: Client, input_data: dict[str, Any]) -> FlowlaunchError:
    try:
        client.launch(_FLOW, input_data, key="demo-2")
    except kind as error:
        return error
    raise SandboxError(f"the demo expected {kind.__name__}, and the launch went through", hint="Report this defect.")


def _show(session: Session, error: FlowlaunchError) -> None:
    for line in text_of(error).splitlines():
        session.talk(f"     {line}")


def _posts(sandbox: Sandbox) -> int:
    return len(sandbox.journal(_LAUNCH))
