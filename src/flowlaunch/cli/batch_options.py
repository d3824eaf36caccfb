"""The options that `batch plan` and `batch run` share: where rows come from, how they become launches, which may go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.batch.batch_job import BatchJob
    from flowlaunch.batch.mapping import MappingSpec
    from flowlaunch.batch.rows import ReadOptions
    from flowlaunch.cli.session import Session

__all__ = ["job_of", "job_options", "mapping_of", "rate_of", "read_options_of", "run_options"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FORMATS: Final = ("csv", "ndjson", "json", "xlsx", "parquet")

_SOURCE = (
    click.option("--flow", "flow", metavar="FLOW", help="Flow to launch, an id or an exact name."),
    click.option("--version", "version", metavar="V", help="Flow version; the published one by default, pinned."),
    click.option("--sql", metavar="QUERY", help="FILE is a SQLAlchemy URL; the records of this query are the rows."),
    click.option("--format", "file_format", type=click.Choice(_FORMATS), help="Format of FILE; detected by default."),
    click.option("--separator", metavar="CHAR", help="Between the cells of CSV; detected by default."),
    click.option("--encoding", metavar="NAME", help="Encoding of text files; detected by default."),
    click.option("--sheet", metavar="NAME", help="Sheet of a workbook; the first one by default."),
)
_MAPPING = (
    click.option("--map", "maps", multiple=True, metavar="INPUT=COLUMN",
                 help="Feed an input from this column; or INPUT=jmespath:EXPR. Repeatable."),
    click.option("--set", "sets", multiple=True, metavar="INPUT=TEXT",
                 help="Feed an input with this text; {column} stands for a cell. Repeatable."),
    click.option("--mapping", "mapping_file", type=_FILE, help="TOML file with the mapping; options overrule it."),
    click.option("--key", "key", metavar="COLUMN", help="Column that tells rows apart; a repeated key goes out once."),
    click.option("--contact", metavar="COLUMN", help="Column that tells who is reached; attempts are counted by it."),
    click.option("--phone", "phones", multiple=True, metavar="COLUMN",
                 help="Column with a telephone number. Repeatable: all of them must be callable."),
    click.option("--email", "emails", multiple=True, metavar="COLUMN",
                 help="Column with an address, for do-not-contact files and attempts. Repeatable."),
    click.option("--zone", metavar="COLUMN", help="Column with the contact's time zone."),
    click.option("--state-column", "state_column", metavar="COLUMN",
                 help="Column with the contact's country and state, such as US-FL, for --regional-rules."),
    click.option("--not-before", metavar="COLUMN", help="Column with the earliest time of a row."),
    click.option("--not-after", metavar="COLUMN", help="Column with the time after which a row must not go out."),
    click.option("--country", "--region-default", "default_region", metavar="CC",
                 help="Country of telephone numbers without a +, such as DE."),
    click.option("--name", "name_template", metavar="TEXT",
                 help="Name of each execution; {column} and {token} are filled in."),
)  # fmt: skip


_RUN = (
    click.option("--ledger", metavar="PATH", envvar="FLOWLAUNCH_LEDGER",
                 help="File that records every row, FILE.ledger by default; or postgresql://…, for many machines."),
    click.option("--batch-name", "batch_name", default="", metavar="TEXT", help="Name of the batch, for people."),
    click.option("--rate", metavar="PER_MINUTE",
                 help="Requests a minute of this OAuth client, or off; the setting pace_per_minute by default."),
    click.option("--priority", type=click.IntRange(1, 1_000), metavar="N",
                 help="Share of the pace while other batches want it: 20 gets twice what 10 gets, the default."),
    click.option("--concurrency", type=click.IntRange(1, 1_000), default=16, show_default=True, metavar="N",
                 help="Launches in flight at once, over all workers."),
    click.option("--ramp", default="1,10,1%,all", show_default=True, metavar="STAGES",
                 help="Rows that may leave before the first flows have ended well; off for all at once."),
    click.option("--max-failed", default="5%", show_default=True, metavar="SHARE",
                 help="Pause when more than this share or number of flows failed; off for never."),
    click.option("--max-in-doubt", default="10", show_default=True, metavar="N",
                 help="Pause when more than this many rows are in doubt; off for never."),
    click.option("--no-track", is_flag=True, help="Do not follow executions to their end."),
    click.option("--token-input", metavar="INPUT", help="Input of the flow that gets a launch token, for reconcile."),
    click.option("--payloads", type=click.Choice(("keep", "hash", "drop")), default="keep", show_default=True,
                 help="What becomes of a row's data in the ledger once it is launched."),
    click.option("--confirm-above", type=click.IntRange(min=0), default=1_000, show_default=True, metavar="N",
                 help="Ask before more rows than this are launched."),
)  # fmt: skip


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say how fast and how carefully a batch goes."""
    for option in reversed(_RUN):
        function = option(function)
    return function


def job_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument FILE and the options that make a job of it."""
    from flowlaunch.cli.batch_rules import RULE_OPTIONS  # noqa: PLC0415 - one table of options a file

    for option in reversed((*_SOURCE, *_MAPPING, *RULE_OPTIONS)):
        function = option(function)
    return click.argument("source", metavar="FILE")(function)


def read_options_of(wanted: Mapping[str, Any]) -> ReadOptions:
    """Make the options of reading from those of the command line."""
    from flowlaunch.batch.rows import ReadOptions  # noqa: PLC0415 - loads what reads rows

    separator = {"tab": "\t", "\\t": "\t"}.get(wanted["separator"] or "", wanted["separator"])
    return ReadOptions(
        format="sql" if wanted["sql"] else wanted["file_format"],
        separator=separator,
        encoding=wanted["encoding"],
        sheet=wanted["sheet"],
        query=wanted["sql"],
    )


def mapping_of(wanted: Mapping[str, Any]) -> MappingSpec:
    """Make the mapping from its file and the options, which overrule the file.

    Raises:
        InputError: the file or an option is wrong.

    """
    import msgspec  # noqa: PLC0415 - help need not pay

    from flowlaunch.batch.mapping import MappingSpec, load_mapping, parse_assignments  # noqa: PLC0415

    spec = load_mapping(wanted["mapping_file"]) if wanted["mapping_file"] else MappingSpec()
    columns = {
        "key": wanted["key"], "contact": wanted["contact"], "phones": tuple(wanted["phones"]),
        "emails": tuple(wanted["emails"]), "zone": wanted["zone"], "region": wanted["state_column"],
        "not_before": wanted["not_before"], "not_after": wanted["not_after"], "name": wanted["name_template"],
    }  # fmt: skip
    region = wanted["default_region"]
    return msgspec.structs.replace(
        spec,
        map=spec.map | parse_assignments(wanted["maps"], "--map"),
        set=spec.set | parse_assignments(wanted["sets"], "--set"),
        row=msgspec.structs.replace(spec.row, **{name: value for name, value in columns.items() if value}),
        values=msgspec.structs.replace(spec.values, default_region=region.upper()) if region else spec.values,
    )


def job_of(session: Session, source: str, wanted: Mapping[str, Any]) -> BatchJob:
    """Make the job that the command line describes.

    Raises:
        InputError: a file or an option is wrong.

    """
    from flowlaunch.batch.batch_job import BatchJob  # noqa: PLC0415 - loads the HTTP library
    from flowlaunch.cli.batch_rules import rules_of  # noqa: PLC0415

    settings = session.settings
    rules, rules_text = rules_of(wanted)
    return BatchJob(
        source=source,
        flow=session.flow_or_setting(wanted["flow"]),
        version=wanted["version"],
        ledger=wanted["ledger"],
        name=wanted["batch_name"],
        read=read_options_of(wanted),
        mapping=mapping_of(wanted),
        rules=rules,
        rules_text=rules_text,
        pace_per_minute=rate_of(wanted["rate"], settings.pace_per_minute),
        concurrency=wanted["concurrency"],
        ramp=() if wanted["ramp"] == "off" else tuple(wanted["ramp"].split(",")),
        max_failed=_or_off(wanted["max_failed"]),
        max_in_doubt=_whole(_or_off(wanted["max_in_doubt"])),
        track=not wanted["no_track"],
        launch_token_input=wanted["token_input"],
        payloads=wanted["payloads"],
        confirm_above=wanted["confirm_above"],
        yes=bool(wanted.get("yes")),
        resume=False if wanted.get("is_new") else None,
        accept_changes=frozenset({"flow-version", *wanted.get("accepted", ())}),
        here=bool(wanted.get("here")),
        priority=wanted.get("priority"),
        settings=settings,
    )


def _or_off(text: str) -> str | None:
    return None if text == "off" else text


def rate_of(text: str | None, by_settings: float | None) -> float | None:
    """Read what --rate says: requests a minute, or None for no pace."""
    if text is None:
        return by_settings
    if text == "off":
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise click.BadParameter(f"{text!r} is no rate: give a number above 0, or off", param_hint="--rate")
    return rate


def _whole(text: str | None) -> int | None:
    if text is None or text.isdecimal():
        return None if text is None else int(text)
    raise click.BadParameter(f"{text!r} is no number of rows: give one, or off", param_hint="--max-in-doubt")
