"""`ledger info`, `copy`, `upgrade`, `role`: what a ledger is, and getting one where many machines can use it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

import click

from flowlaunch.cli.confirm import confirmed
from flowlaunch.cli.ledgers import ledger_named, spelt
from flowlaunch.cli.session import Session, command_options
from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from flowlaunch.batch.ledger.moving import TableMoved

__all__ = ["copy_command", "info_command", "role_command", "upgrade_command"]

_TABLES: Final = {"table": "table", "rows": "rows", "sha256": "content (sha256)"}


@click.command("info", epilog="Example: flowlaunch ledger info people.csv")
@click.argument("ledger", metavar="LEDGER")
@click.option("--use-again", is_flag=True, help="Use a file again whose ledger was moved away.")
@click.option("--yes", is_flag=True, help="With --use-again: do not ask.")
@command_options(settings=False)
def info_command(session: Session, ledger: str, *, use_again: bool, yes: bool) -> None:
    """Tell what a ledger is, how large, and who works on it.

    A file whose ledger was moved is refused by all other commands. With --use-again it is taken into use as it was
    when it was moved: what was launched from its new place since, it does not know, and would launch again.
    """
    import msgspec  # noqa: PLC0415 - commands that are not used need not pay

    from flowlaunch._io.clock import SystemClock  # noqa: PLC0415
    from flowlaunch.batch.ledger import moving, open_ledger, standing  # noqa: PLC0415 - loads the database library

    place = ledger_named(ledger)
    if use_again:
        with open_ledger(place, create=False, moved_ok=True) as opened:
            if standing.standing_of(place, clock=SystemClock()).moved_to is None:
                raise SettingsError(f"use {opened.store.place} again: it was not moved", hint="It is in use as it is.")
            confirmed("Use the file again? Rows launched since it was moved would be launched twice.", yes=yes)
            moving.use_again(opened.store)
    found = msgspec.structs.asdict(standing.standing_of(place, clock=SystemClock()))
    session.emit({name: value for name, value in found.items() if value is not None})


@click.command("copy", epilog="Example: flowlaunch ledger copy people.csv postgresql://me@db.example.com/flowlaunch")
@click.argument("ledger", metavar="LEDGER")
@click.argument("url", metavar="URL")
@command_options(settings=False)
def copy_command(session: Session, ledger: str, url: str) -> None:
    """Move a ledger from a file to PostgreSQL, also in the middle of a batch.

    Pause the batch and stop its runner first. Every table is copied and proved equal by counts and hashes; the file
    is marked as moved and refused from then on, so that no row is launched from both. When it breaks off, the same
    command finishes it. The database at URL must hold no other ledger.
    """
    from flowlaunch._io.clock import SystemClock  # noqa: PLC0415 - commands that are not used need not pay
    from flowlaunch.batch.ledger import moving  # noqa: PLC0415 - loads the database library

    def told(one: TableMoved) -> None:
        if one.rows:
            session.talk(f"{one.table}: {one.rows:,} rows are equal")

    moved = moving.move_ledger(ledger_named(ledger), url, clock=SystemClock(), tell=told)
    session.emit([{"table": one.table, "rows": one.rows, "sha256": one.sha256} for one in moved.tables], _TABLES)
    session.talk(f"moved to {moved.place}; go on with: flowlaunch batch resume {spelt(url)} --run")


@click.command("upgrade", epilog="Example: flowlaunch ledger upgrade postgresql://owner@db.example.com/flowlaunch")
@click.argument("ledger", metavar="LEDGER")
@command_options(settings=False)
def upgrade_command(session: Session, ledger: str) -> None:
    """Bring a ledger to this program's version, or make it.

    A file is brought up to date whenever it is opened, after a copy of it was made. A ledger in PostgreSQL is not, for
    older programs may be at work on it: stop them, run this as the owner of its tables, and start the new ones.
    """
    from flowlaunch._io.clock import SystemClock  # noqa: PLC0415 - commands that are not used need not pay
    from flowlaunch.batch.ledger import standing  # noqa: PLC0415 - loads the database library

    place = ledger if "://" in ledger else ledger_named(ledger)
    before, after = standing.upgrade(place, clock=SystemClock())
    session.emit({"before": before, "after": after})
    session.talk("made" if not before else "brought up to date" if before < after else "it was up to date")


@click.command("role", epilog="Example: flowlaunch ledger role postgresql://owner@db.example.com/flowlaunch worker")
@click.argument("url", metavar="URL")
@click.argument("role", metavar="ROLE")
@click.option("--prunes", is_flag=True, help="It may remove old rows too, as a gateway with retention does.")
@click.option("--create", is_flag=True, help="Make it, instead of printing how.")
@command_options(settings=False)
def role_command(session: Session, url: str, role: str, *, prunes: bool, create: bool) -> None:
    """Print or make a role that may work on batches and nothing else.

    It reads and writes rows, and may not change, empty or remove tables; the partitions of a new batch are made with
    the owner's rights. It has no password until the owner gives it one, e.g. by psql's password command.
    """
    from flowlaunch._io.clock import SystemClock  # noqa: PLC0415 - commands that are not used need not pay
    from flowlaunch.batch.ledger import roles  # noqa: PLC0415 - loads the database library

    granted = roles.grant_role(url, role, clock=SystemClock(), prunes=prunes, create=create)
    if not create:
        click.echo("".join(f"{one};\n" for one in granted.statements), nl=False)
    elif granted.is_new:
        ask = shlex.quote(f"\\password {role}")
        session.talk(f"the role {role} was made; give it a password: psql {spelt(url)} -c {ask}")
    else:
        session.talk(f"the role {role} has the rights of this version; its password is as it was")
