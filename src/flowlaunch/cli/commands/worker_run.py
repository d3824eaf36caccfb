"""`worker run`: work on batches, beside any number of other workers."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from flowlaunch.cli.exits import Exit
from flowlaunch.cli.gateway_callback_options import callback_options, callback_settings
from flowlaunch.cli.ledgers import ledger_option, server_ledger
from flowlaunch.cli.session import Session, command_options

if TYPE_CHECKING:
    import asyncio

    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.ledger.crew import Process
    from flowlaunch.batch.stop import Stop
    from flowlaunch.batch.workers.process import WorkerOptions
    from flowlaunch.settings import Settings

__all__ = ["run_command"]


@click.command(
    "run",
    epilog="Examples: flowlaunch worker run --ledger postgresql://flowlaunch@db/batches; "
    "flowlaunch worker run --ledger postgresql://flowlaunch@db/batches --profile emea --profile apac",
)
@ledger_option
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME",
    help="Profile to launch with; the usual settings without any. Repeatable: one budget each.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    metavar="N",
    help="Batches worked on at once; each takes a chunk of its rows at a time.",
)
@click.option(
    "--takeover",
    "stale_after_s",
    type=click.FloatRange(3, 3_600),
    default=20.0,
    show_default=True,
    metavar="S",
    help="Silence after which another worker's chunks are taken over; the same for all workers.",
)
@click.option(
    "--give-up-after",
    "give_up_after_min",
    type=click.FloatRange(0, 10_080),
    default=15.0,
    show_default=True,
    metavar="MIN",
    help="End with code 1 when the database was away for so long; 0 waits for ever.",
)
@click.option("--callbacks", "calls_back", is_flag=True, help="Send the callbacks of gateways on this ledger, too.")
@callback_options
@command_options(settings=False, profile=False)
@click.pass_context
def run_command(ctx: click.Context, /, session: Session, ledger: str, profiles: tuple[str, ...], **wanted: Any) -> None:
    """Work on the batches of a ledger in PostgreSQL.

    The worker takes chunks of every batch that was handed to workers and whose OAuth client it has, launches their
    rows, and follows the executions. It paces itself with all the others in the database. Ctrl-C or SIGTERM finishes
    what is in flight and gives the rest back; a second one ends at once.

    While the database is away the worker takes nothing new, keeps what came of launches in memory, and writes it when
    the database is back. It ends with code 1 when that takes too long, or when it is asked to leave meanwhile and has
    something that it cannot write: the last line says how many launches become in doubt. Have a supervisor (systemd,
    Kubernetes) start it again.

    -o jsonl prints every event as a line of JSON.
    """
    from flowlaunch.batch.outside import run_outside  # noqa: PLC0415 - help need not pay
    from flowlaunch.batch.stop import Stop  # noqa: PLC0415
    from flowlaunch.cli.worker_talk import quiet_engine  # noqa: PLC0415
    from flowlaunch.settings import load_settings  # noqa: PLC0415

    place = server_ledger(ledger)
    quiet_engine(session)
    settings = {name: load_settings(profile=name or None) for name in profiles or ("",)}
    for one in settings.values():
        for warning in one.warnings:
            session.talk(f"warning: {warning}")
    stop = Stop()
    stop.on_request(lambda: session.talk(_STOPPING[stop.level]))
    ended = run_outside(_work(session, place, settings, stop, wanted), stop)
    session.talk(f"left after {ended.launched:,} launches")
    ctx.exit(Exit.OK)


_STOPPING = ("", "finishing what is in flight; once more ends at once", "ending at once")


async def _work(
    session: Session, place: str, settings: dict[str, Settings], stop: Stop, wanted: dict[str, Any]
) -> Process:
    from flowlaunch.aclient import AsyncClient  # noqa: PLC0415 - loads the HTTP library
    from flowlaunch.batch.workers.process import WorkerOptions, work  # noqa: PLC0415
    from flowlaunch.cli.worker_talk import heard, joined_text  # noqa: PLC0415

    def hear(batch_id: int, event: RunEvent) -> None:
        heard(session, batch_id, event)

    options = WorkerOptions(
        jobs=wanted["jobs"],
        stale_after_s=wanted["stale_after_s"],
        give_up_after_s=wanted["give_up_after_min"] * 60 or None,
        on_event=hear,
        on_joined=lambda me: session.talk(joined_text(me)),
    )
    if wanted["calls_back"]:
        options = _calling_back(options, wanted)
    async with AsyncExitStack() as stack:
        clients: dict[str, AsyncClient] = {}
        for name, one in settings.items():
            client = await stack.enter_async_context(AsyncClient.from_settings(one, pace_per_minute=None))
            clients[name or one.profile or ""] = client
        return await work(place, clients, stop, options)


def _calling_back(options: WorkerOptions, wanted: dict[str, Any]) -> WorkerOptions:
    """Have a worker send callbacks as well: told at once what it wrote itself, and looking for the rest."""
    from flowlaunch.gateway.edges import callbacks_of  # noqa: PLC0415 - loads the gateway
    from flowlaunch.gateway.launches.waiting import Endings  # noqa: PLC0415

    told = {name.removeprefix("callback_"): value for name, value in callback_settings(wanted).items()}
    endings = Endings()

    async def call_back(ledger: Ledger, ended: asyncio.Event) -> None:
        callbacks = callbacks_of(ledger.store, os.environ, **told)
        endings.listen(callbacks.ended)
        await callbacks.run(ended)

    return replace(options, watch=endings, beside=call_back)
