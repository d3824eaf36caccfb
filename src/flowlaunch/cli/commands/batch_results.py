"""`batch report` and `batch export`: what came of a batch, for people and for spreadsheets."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowlaunch.cli.ledgers import batch_id_in, opened, spelt, target_options
from flowlaunch.cli.session import Session, command_options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from flowlaunch.batch.ledger import Batch, Ledger
    from flowlaunch.batch.results.export import Export
    from flowlaunch.batch.results.source import SourceAgain

__all__ = ["export_command", "report_command"]

_FILE = click.Path(dir_okay=False, path_type=Path)
_STATES = (
    "completed", "failed", "launched", "in_doubt", "refused", "rejected", "held", "skipped", "cancelled", "pending",
)  # fmt: skip


@click.command("report", epilog="Example: flowlaunch batch report people.csv --html friday.html")
@target_options
@click.option("--html", "html_file", type=_FILE, metavar="FILE", help="The page to write; LEDGER.html by default.")
@click.option("--summary", "summary_file", type=_FILE, metavar="FILE", help="Also write the numbers as summary.json.")
@click.option(
    "--timezone", "zone_name", metavar="ZONE", help="Zone for times, such as Europe/Berlin; yours by default."
)
@command_options(settings=False)
def report_command(
    session: Session,
    target: str,
    batch_id: int | None,
    *,
    html_file: Path | None,
    summary_file: Path | None,
    zone_name: str | None,
) -> None:
    """Write a page about the batch that can be forwarded.

    One HTML file without scripts that loads nothing from anywhere: throughput against the budget, outcomes over time,
    durations, errors by cause, what was held or skipped, what is in doubt. It names row keys and messages, and holds
    no input data. A batch may still be running.
    """
    from flowlaunch.batch.report.material import gather  # noqa: PLC0415 - loads the database library
    from flowlaunch.batch.report.page import render_report  # noqa: PLC0415
    from flowlaunch.batch.results.export import whole_file  # noqa: PLC0415

    zone = _zone(zone_name)
    with opened(target) as ledger:
        chosen = batch_id_in(ledger, batch_id)
        material = gather(
            ledger, chosen, now=datetime.now(UTC), zone=zone, target=spelt(target, batch_id, chosen=chosen)
        )
    page = html_file or Path(f"batch-{chosen}.html" if "://" in target else f"{target}.html")
    with whole_file(page) as stream:
        stream.write(render_report(material).encode())
    if summary_file:
        material.summary.write(summary_file)
    session.emit(_short(material.summary) if session.output == "table" else material.summary)
    session.talk(f"wrote {page}" + (f" and {summary_file}" if summary_file else ""))


def _short(summary: Any) -> dict[str, Any]:
    """Choose what a table shows of a summary."""
    shown = ("batch_id", "name", "verdict", "rows", "states", "launched", "not_launched", "requests", "most_in_60_s")
    return {name: getattr(summary, name) for name in shown}


def _zone(name: str | None) -> tzinfo:
    """Find a zone by its name; without one it is this machine's."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - reads the zone files

    if name is None:
        return datetime.now().astimezone().tzinfo or UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(f"there is no zone {name!r}", param_hint="--timezone") from error


@click.command(
    "export",
    epilog="Examples: flowlaunch batch export people.csv --to results.csv; flowlaunch batch export people.csv "
    "--state failed --to failed.csv; flowlaunch batch export people.csv --rejects --to mend.csv",
)
@target_options
@click.option("--to", "destination", type=_FILE, metavar="FILE", help="File to write; standard output by default.")
@click.option(
    "--format", "file_format", type=click.Choice(("csv", "ndjson", "parquet")), help="By the file's name by default."
)
@click.option(
    "--state", "states", type=click.Choice(_STATES), multiple=True, help="Only rows in this state. Repeatable."
)
@click.option("--reason", "reasons", multiple=True, metavar="SLUG", help="Only rows with this reason. Repeatable.")
@click.option("--rejects", is_flag=True, help="Only rows that somebody must mend: rejected, held, refused.")
@click.option("--source", "source", metavar="FILE", help="Where the rows lie now, when they were moved.")
@click.option("--no-source", is_flag=True, help="Take the inputs from the ledger, not from the file of rows.")
@click.option("-q", "--quiet", is_flag=True, help="Print data and errors only.")
def export_command(
    target: str,
    batch_id: int | None,
    *,
    destination: Path | None,
    file_format: str | None,
    quiet: bool,
    **wanted: Any,
) -> None:
    """Write the rows joined to what became of them.

    Every column of the source comes first, then ours, which begin with `batch_`, then each output of the flow. In CSV
    no cell is run as a formula by a spreadsheet; NDJSON and Parquet hold every value as it is.
    """
    from flowlaunch.batch.results.export import format_of, whole_file  # noqa: PLC0415 - loads the database library

    session = Session(quiet=quiet)
    chosen_format = file_format or (format_of(destination) if destination else "csv")
    with opened(target) as ledger:
        export = _export(session, ledger, batch_id_in(ledger, batch_id), wanted)
        if destination is None:
            rows = export.write(sys.stdout.buffer, chosen_format)
        else:
            with whole_file(destination) as stream:
                rows = export.write(stream, chosen_format)
    session.talk(f"wrote {rows:,} rows" + (f" to {destination}" if destination else ""))


def _export(session: Session, ledger: Ledger, batch_id: int, wanted: dict[str, Any]) -> Export:
    from flowlaunch.batch.ledger import RowFilter  # noqa: PLC0415 - loads the database library
    from flowlaunch.batch.results.export import MENDABLE_STATES, Export  # noqa: PLC0415
    from flowlaunch.batch.states import RowState  # noqa: PLC0415

    states: Sequence[RowState] = [RowState(state) for state in wanted["states"]]
    states = [*states, *(MENDABLE_STATES if wanted["rejects"] else ())]
    where = RowFilter(states=tuple(states), reasons=tuple(wanted["reasons"]))
    source = None if wanted["no_source"] else _source(session, ledger.batch(batch_id), wanted["source"])
    if source is None:
        return Export(ledger=ledger, batch_id=batch_id, where=where)
    return Export(ledger=ledger, batch_id=batch_id, where=where, open_source=source.rows, columns=source.columns)


def _source(session: Session, batch: Batch, moved_to: str | None) -> SourceAgain | None:
    from flowlaunch.batch.results.source import source_again  # noqa: PLC0415 - loads what reads rows

    found = source_again(batch.spec, moved_to=Path(moved_to) if moved_to else None)
    if found is None:
        session.talk(f"{moved_to or batch.spec.source} is not there: the inputs come from the ledger")
    return found
