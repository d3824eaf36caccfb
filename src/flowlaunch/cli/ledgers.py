"""Which ledger and which batch a command is about, and who gives it."""

from __future__ import annotations

import getpass
import os
import shlex
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowlaunch.batch.ledger import Ledger

__all__ = [
    "LEDGER_SUFFIX",
    "batch_id_in",
    "default_ledger",
    "ledger_named",
    "ledger_option",
    "opened",
    "server_ledger",
    "shown",
    "spelt",
    "target_options",
    "who",
]

LEDGER_SUFFIX: Final = ".ledger"
_SQLITE: Final = b"SQLite format 3\x00"


def default_ledger(source: str) -> Path:
    """Tell where the ledger of a file of rows lies unless --ledger says otherwise: beside it.

    Raises:
        SettingsError: the rows come from standard input or a database, so there is no place beside them.

    """
    if source == "-" or "://" in source:
        raise SettingsError(
            f"where should the ledger of {'standard input' if source == '-' else 'a query'} lie?",
            hint="Name a file with --ledger; only there can the batch be resumed and looked at.",
        )
    return Path(f"{source}{LEDGER_SUFFIX}")


def ledger_named(target: str) -> Path | str:
    """Find the ledger that `target` means: itself, or the one beside a file of rows.

    Raises:
        SettingsError: there is none.

    """
    if "://" in target:
        return target
    path = Path(target)
    beside = Path(f"{target}{LEDGER_SUFFIX}")
    if _is_sqlite(path):
        return path
    if beside.exists():
        return beside
    what = "is no ledger and has none beside it" if path.exists() else "does not exist"
    raise SettingsError(
        f"open the ledger {target}: it {what}",
        hint=f"Name the ledger, or the file of rows beside which it lies (FILE and FILE{LEDGER_SUFFIX}).",
    )


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument that names a ledger, and the option that names a batch in it."""
    function = click.option(
        "--batch",
        "batch_id",
        type=click.IntRange(min=1),
        metavar="ID",
        help="Batch of the ledger; the newest by default.",
    )(function)
    return click.argument("target", metavar="LEDGER", envvar="FLOWLAUNCH_LEDGER")(function)


def ledger_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that names a ledger in PostgreSQL; FLOWLAUNCH_LEDGER names it too."""
    return click.option(
        "--ledger", "ledger", metavar="URL", envvar="FLOWLAUNCH_LEDGER", required=True,
        help="The ledger, postgresql://USER:PASSWORD@HOST/DATABASE; better named by FLOWLAUNCH_LEDGER than here.",
    )(function)  # fmt: skip


def server_ledger(place: str) -> str:
    """Return the place of a ledger that machines share.

    Raises:
        SettingsError: it is a file: workers need a database that all of them reach.

    """
    if "://" in place:
        return place
    raise SettingsError(
        f"work with several machines on {place}: a ledger in a file belongs to one machine",
        hint="Give postgresql://…; `flowlaunch ledger copy` moves a ledger there, even in the middle of a batch.",
    )


@contextmanager
def opened(target: str) -> Iterator[Ledger]:
    """Open an existing ledger; a server that says nothing is not waited for without end."""
    from flowlaunch.batch.ledger import open_ledger  # noqa: PLC0415 - loads the database library
    from flowlaunch.batch.ledger.vigil import Vigil  # noqa: PLC0415 - as above

    with Vigil() as vigil, open_ledger(ledger_named(target), create=False, on_store=vigil.watch) as ledger:
        yield ledger


def batch_id_in(ledger: Ledger, batch_id: int | None) -> int:
    """Tell the batch that is meant: the one named, else the newest.

    Raises:
        SettingsError: the ledger holds no such batch.

    """
    known = [batch.batch_id for batch in ledger.batches()]
    if batch_id in known or (batch_id is None and known):
        return batch_id or known[-1]
    if not known:
        raise SettingsError("the ledger holds no batch yet", hint="Run `flowlaunch batch run` with it first.")
    raise SettingsError(f"the ledger holds no batch {batch_id}", hint=f"It holds {', '.join(map(str, known))}.")


def who() -> str:
    """Tell who gives this command, for the record: user@machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def spelt(target: str, named: int | None = None, *, chosen: int | None = None) -> str:
    """Spell a target so that it can be pasted into a shell, with the batch where another may be meant without it.

    Args:
        target: a file or URL as it was given.
        named: the batch that `--batch` named.
        chosen: the batch that is spoken of. In a database that many share the newest one is soon another.

    """
    batch_id = named or (chosen if "://" in target else None)
    return shlex.quote(shown(target)) + (f" --batch {batch_id}" if batch_id else "")


def shown(target: str) -> str:
    """Spell a target for people: a URL without the password that it may carry, which is for nobody's eyes."""
    if "://" not in target:
        return target
    head, at, rest = target.rpartition("@")
    scheme, slashes, user = head.partition("://")
    place = f"{scheme}{slashes}{user.partition(':')[0]}{at}{rest}" if at else rest
    place, _, query = place.partition("?")
    kept = "&".join(one for one in query.split("&") if one and "password" not in one.partition("=")[0].lower())
    return f"{place}?{kept}" if kept else place
