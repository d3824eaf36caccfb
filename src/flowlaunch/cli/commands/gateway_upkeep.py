"""`gateway backup`, `gateway prune`, `gateway vacuum`: upkeep by hand, of a gateway that is served or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from flowlaunch.cli.gateway_ledger import ledger_option, store_at
from flowlaunch.cli.gateway_ops_options import kept_options, retention_of
from flowlaunch.cli.session import Session, command_options

__all__ = ["backup_command", "prune_command", "vacuum_command"]

_COPY: Final = {"file": "copy", "size_bytes": "bytes"}
_PRUNED: Final = {"what": "what", "removed": "removed"}
_FOUND: Final = {"what": "what", "old": "would be removed"}
_SIZES: Final = {"ledger": "ledger", "before_bytes": "bytes before", "after_bytes": "bytes after"}


@click.command("backup", epilog="Example: flowlaunch gateway backup /backups/gateway.copy")
@click.argument("to", type=click.Path(dir_okay=False, path_type=Path))
@ledger_option
@command_options(settings=False)
def backup_command(session: Session, ledger: str | None, to: Path) -> None:
    """Copy the ledger while it is served.

    TO is a new file; it is read through before this ends well. The copy is a ledger: start a gateway on it to
    restore it. `gateway serve --backups DIR` makes copies by itself.
    """
    from flowlaunch.batch.ledger import backup  # noqa: PLC0415 - loads the database library

    with store_at(ledger) as store:
        backup.copy(store, to)
    to.chmod(0o600)
    try:
        backup.check(to)
    except Exception:
        to.unlink(missing_ok=True)
        raise
    session.emit([{"file": str(to), "size_bytes": to.stat().st_size}], _COPY)


@click.command("prune", epilog="Example: flowlaunch gateway prune --keep-launches 30 --dry-run")
@kept_options
@click.option("--dry-run", is_flag=True, help="Only count the launches and batches that are old enough.")
@click.option(
    "--uploads",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder of the files of uploaded batches; LEDGER.uploads by default.",
)
@ledger_option
@command_options(settings=False)
def prune_command(session: Session, ledger: str | None, uploads: Path | None, dry_run: bool, **wanted: Any) -> None:
    """Remove what is older than is kept.

    A served gateway does so by itself every hour. Nothing that has not come to its end is removed, and no launch
    whose callback is still being tried.
    """
    from flowlaunch.batch.ledger.ledger import Ledger  # noqa: PLC0415 - loads the database library
    from flowlaunch.gateway.ops.pruning import Pruning  # noqa: PLC0415

    keep = retention_of(wanted)
    with store_at(ledger) as store:
        beside = Path(f"{store.path}.uploads") if store.path is not None else None
        pruning = Pruning(Ledger(store), keep, uploads=uploads or beside)
        found = pruning.count() if dry_run else pruning.run()
    name = "old" if dry_run else "removed"
    session.emit([{"what": what, name: count} for what, count in found.items()], _FOUND if dry_run else _PRUNED)


@click.command("vacuum", epilog="Example: flowlaunch gateway vacuum")
@click.option("--anyway", is_flag=True, help="Also while a gateway works on the ledger: it waits meanwhile.")
@ledger_option
@command_options(settings=False)
def vacuum_command(session: Session, ledger: str | None, anyway: bool) -> None:
    """Make the ledger's file as small as what it holds.

    New launches use the room again that removed ones left, so this is only of use when the file is to be smaller,
    or when removed content is to be gone from it. It needs as much free disk as the ledger has, and nobody can write
    until it is through.
    """
    from flowlaunch.batch.ledger import upkeep  # noqa: PLC0415 - loads the database library

    with store_at(ledger) as store:
        before, after = upkeep.vacuum(store, even_if_used=anyway)
        session.emit([{"ledger": store.place, "before_bytes": before, "after_bytes": after}], _SIZES)
