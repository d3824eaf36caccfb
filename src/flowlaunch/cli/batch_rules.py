"""The options of the rules: which rows may go, and when."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.batch.rules import AttemptLimit, CallingWindows, DoNotContact, Rules

__all__ = ["RULE_OPTIONS", "rules_of", "windows_of_text"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PERIODS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DNC_KINDS: Final = ("phone", "email", "key")
_ATTEMPTS: Final = re.compile(r"(\d{1,4})/(\d{1,4})([mhdw])")

RULE_OPTIONS: Final = (
    click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Launch at most so many rows."),
    click.option("--offset", type=click.IntRange(min=0), default=0, metavar="N", help="Pass over the first rows."),
    click.option("--sample", metavar="SHARE", help="Launch this share of the rows, such as 5%, chosen by their keys."),
    click.option("--keep-duplicates", is_flag=True, help="Launch rows with the same key, each of them."),
    click.option("--once-ever", is_flag=True, help="Pass over keys that any batch of the ledger's folder launched."),
    click.option("--dnc", "dnc_files", type=_FILE, multiple=True, metavar="FILE",
                 help="Do-not-contact file: numbers, addresses or keys. Repeatable."),
    click.option("--dnc-column", "dnc_columns", multiple=True, metavar="COLUMN=KIND",
                 help="What a column of the do-not-contact files holds: phone, email, key, or cell:COLUMN to compare "
                 "with that column of the rows; all that looks like a number or address by default. Repeatable."),
    click.option("--window", "windows", multiple=True, metavar="TEXT",
                 help="Calling window in the contact's own time, such as 'mon-fri 09:00-20:00'. Repeatable."),
    click.option("--holiday", "holidays", multiple=True, metavar="DAY=TEXT",
                 help="Windows of a day, such as 12-24=closed or easter+1=closed. Repeatable."),
    click.option("--regional-rules", is_flag=True, help="Calling windows of the contact's country and region, too."),
    click.option("--rules-file", "rule_files", type=_FILE, multiple=True, metavar="FILE",
                 help="Rules of a country as TOML, in the place of those that come along. Repeatable."),
    click.option("--ambiguous-zone", type=click.Choice(("hold", "all-open")), default="hold", show_default=True,
                 help="A number that may lie in several zones: hold it, or send when all of them are open."),
    click.option("--attempts", metavar="N/PERIOD", help="Launches of a contact in any period, such as 3/7d or 1/24h."),
    click.option("--attempts-wait", is_flag=True, help="Let rows beyond --attempts wait instead of passing over them."),
)  # fmt: skip


def rules_of(wanted: Mapping[str, Any]) -> tuple[Rules | None, str]:
    """Make the rules that the command line asks for, and the text by which a resume knows them.

    Raises:
        InputError: a file or a window is wrong.
        click.BadParameter: an option is none.

    """
    import msgspec  # noqa: PLC0415 - help need not pay

    from flowlaunch.batch.rules import Rules, RulesConfig  # noqa: PLC0415

    config = RulesConfig(
        dedupe_in_file=not wanted["keep_duplicates"],
        dedupe_across=wanted["once_ever"],
        offset=wanted["offset"],
        limit=wanted["limit"],
        sample=_share(wanted["sample"]),
        attempts=_attempts(wanted["attempts"], waits=wanted["attempts_wait"]),
    )
    asked = _windows_text(wanted)
    windows = windows_of_text(asked)
    rules = Rules(config, windows=windows, do_not_contact=_do_not_contact(wanted))
    told = {"config": msgspec.to_builtins(config), "windows": asked, "dnc": [str(file) for file in wanted["dnc_files"]]}
    if wanted["dnc_columns"]:
        told["dnc_columns"] = sorted(wanted["dnc_columns"])
    return rules, msgspec.json.encode(told, order="sorted").decode()


def _windows_text(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Put what says when contacts may be called into a form that JSON takes."""
    if not (wanted["windows"] or wanted["regional_rules"] or wanted["rule_files"]):
        return {}
    return {
        "windows": list(wanted["windows"]),
        "holidays": [list(_pair(text)) for text in wanted["holidays"]],
        "regional": bool(wanted["regional_rules"] or wanted["rule_files"]),
        "rule_files": [str(file.resolve()) for file in wanted["rule_files"]],
        "default_region": (wanted["default_region"] or "").upper() or None,
        "when_ambiguous": wanted["ambiguous_zone"],
    }


def windows_of_text(asked: Mapping[str, Any]) -> CallingWindows | None:
    """Make the calling windows that were asked for, or None when none were."""
    from flowlaunch.batch.rules import CallingWindows, WindowRules, load_rule_book  # noqa: PLC0415 - reads the rules

    if not asked:
        return None
    book = load_rule_book([Path(file) for file in asked["rule_files"]]) if asked["regional"] else None
    rules = WindowRules(
        windows=tuple(asked["windows"]),
        holidays=tuple((day, text) for day, text in asked["holidays"]),
        book=book,
        default_region=asked["default_region"],
        when_ambiguous=asked["when_ambiguous"],
    )
    return CallingWindows(rules, round(time.time() * 1e6))


def _do_not_contact(wanted: Mapping[str, Any]) -> DoNotContact | None:
    from flowlaunch.batch.rows import open_rows  # noqa: PLC0415 - loads what reads rows
    from flowlaunch.batch.rules import DoNotContact  # noqa: PLC0415

    if not wanted["dnc_files"]:
        if wanted["dnc_columns"]:
            raise click.BadParameter("there is no --dnc file that it could be about", param_hint="--dnc-column")
        return None
    region = (wanted["default_region"] or "").upper() or None
    kinds = dict(_dnc_column(text) for text in wanted["dnc_columns"])
    found: set[str] = set()
    listed = DoNotContact(region)
    for file in wanted["dnc_files"]:
        with open_rows(file) as rows:
            here = {column: kind for column, kind in kinds.items() if column in rows.columns}
            found |= here.keys()
            listed.load(rows, rows.columns, str(file), kinds=here or None)
    missing = next((column for column in kinds if column not in found), None)
    if missing is not None:
        raise click.BadParameter(f"no do-not-contact file has a column {missing!r}", param_hint="--dnc-column")
    return listed


def _dnc_column(text: str) -> tuple[str, str]:
    column, equals, kind = text.rpartition("=")
    if not equals or not (kind in _DNC_KINDS or kind.startswith("cell:")):
        raise click.BadParameter(
            f"{text!r}: write COLUMN={'|'.join(_DNC_KINDS)} or COLUMN=cell:COLUMN", param_hint="--dnc-column"
        )
    return column, kind


def _pair(text: str) -> tuple[str, str]:
    day, equals, windows = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r}: write DAY=closed or DAY=09:00-12:00", param_hint="--holiday")
    return day.strip(), windows.strip()


def _share(text: str | None) -> float | None:
    if text is None:
        return None
    number, percent = text.removesuffix("%"), text.endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise click.BadParameter(f"{text!r} is no share: write 5% or 0.05", param_hint="--sample")
    return share


def _attempts(text: str | None, *, waits: bool) -> AttemptLimit | None:
    from flowlaunch.batch.rules import AttemptLimit  # noqa: PLC0415 - loads the rules

    if text is None:
        return None
    found = _ATTEMPTS.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r}: write 3/7d for three in any seven days", param_hint="--attempts")
    period_s = int(found[2]) * _PERIODS[found[3]]
    return AttemptLimit(most=int(found[1]), period_s=period_s, when_spent="wait" if waits else "skip")
