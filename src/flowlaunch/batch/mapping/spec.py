"""What a caller says about the way from columns to inputs, on the command line or in a TOML file."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import available_timezones

import msgspec

from flowlaunch._core.suggest import suggest
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

JMESPATH: Final = "jmespath:"


class RowColumns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which columns say what the rules ask about a row. Each is a column's name, or a template with `{column}`.

    Attributes:
        key: what tells rows apart; repeated keys are launched once.
        contact: who is reached, for attempts; the first number otherwise, then the first address.
        phones: columns with telephone numbers, all of which must be callable; `emails` those with addresses.
        zone: the contact's IANA time zone; region: the rules that hold for it (`US-FL`).
        not_before: earliest instant; not_after: the instant after which the row must not be sent.
        name: template of the execution's name; `{token}` makes it unique.

    """

    key: str | None = None
    contact: str | None = None
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    zone: str | None = None
    region: str | None = None
    not_before: str | None = None
    not_after: str | None = None
    name: str | None = None


class ValueForms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How cells are to be understood.

    Attributes:
        not_set: texts that mean NOT_SET, so that the input is left out; `()` makes an empty cell an empty text.
        separator: between the items of a collection; decimal: the decimal mark of numbers.
        date_format: strptime form of dates and times that are not ISO 8601.
        time_zone: zone of times without one.
        default_region: country (`DE`) of telephone numbers without a `+`.
        json_columns: columns whose text is JSON, for `jmespath:`.

    """

    not_set: tuple[str, ...] = ("",)
    separator: str = ";"
    decimal: str = "."
    date_format: str | None = None
    time_zone: str | None = None
    default_region: str | None = None
    json_columns: tuple[str, ...] = ()


class MappingSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The way from columns to inputs; inputs that are not named are fed by the column of the same name.

    Attributes:
        map: input -> column, or `jmespath:` and an expression over the row.
        set: input -> text with `{column}` in it.
        row: the columns that the rules ask for.
        values: how cells are to be understood.
        by_name: whether columns feed the inputs of their name, with or without `Flow.`.

    """

    map: dict[str, str] = {}
    set: dict[str, str] = {}
    row: RowColumns = RowColumns()
    values: ValueForms = ValueForms()
    by_name: bool = True


def load_mapping(path: Path) -> MappingSpec:
    """Return the mapping that a TOML file writes, with the tables `map`, `set`, `row` and `values`.

    Raises InputError, naming the file and the place, when it is not TOML or has something a mapping has not.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"read the mapping {path}: {error.strerror or error}",
            code="mapping-file",
            hint="Check the path of the mapping file.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"read the mapping {path}: it is no TOML ({error})",
            code="mapping-file",
            hint='Quote names with a dot: "Flow.customerId" = "customer_id".',
        ) from error
    return read_mapping(document, str(path))


def read_mapping(document: dict[str, Any], source: str) -> MappingSpec:
    """Return the mapping that a document of TOML or JSON describes; `source` names it in errors."""
    _refuse_unknown(document, MappingSpec, "", source)
    for table, kind in (("row", RowColumns), ("values", ValueForms)):
        if isinstance(document.get(table), dict):
            _refuse_unknown(document[table], kind, f"[{table}] ", source)
    try:
        spec = msgspec.convert(document, MappingSpec)
    except msgspec.ValidationError as error:
        raise InputError(
            f"read the mapping {source}: {error}", code="mapping-file", hint="Names and columns are text in quotes."
        ) from error
    check_forms(spec.values)
    return spec


def check_forms(forms: ValueForms) -> None:
    """Refuse forms that cannot be: an unknown time zone, a separator of no or several characters."""
    if forms.time_zone is not None and forms.time_zone not in available_timezones():
        meant = suggest(forms.time_zone, available_timezones())
        raise InputError(
            f"the time zone {forms.time_zone!r} is not known",
            code="mapping-forms",
            hint=f"Did you mean {meant}?" if meant else "Write an IANA name such as Europe/Berlin.",
        )
    for name, mark in (("separator", forms.separator), ("decimal", forms.decimal)):
        if len(mark) != 1:
            raise InputError(
                f"the {name} {mark!r} is not one character",
                code="mapping-forms",
                hint=f"Write one, such as {name} = ';'.",
            )


def parse_assignments(given: Iterable[str], option: str) -> dict[str, str]:
    """Return `Flow.x=column` pairs as a mapping; `option` names them in errors (`--map`)."""
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(
                f"{option} {text!r}: no = between the input and what feeds it",
                code="mapping-option",
                hint=f"Write {option} Flow.customerId=customer_id.",
            )
        if name.strip() in pairs:
            raise InputError(
                f"{option}: {name.strip()} is given twice", code="mapping-option", hint="Keep one of the two."
            )
        pairs[name.strip()] = value
    return pairs


def _refuse_unknown(table: dict[str, Any], kind: type[msgspec.Struct], where: str, source: str) -> None:
    for name in table:
        if name not in kind.__struct_fields__:
            meant = suggest(name, kind.__struct_fields__)
            known = ", ".join(kind.__struct_fields__)
            raise InputError(
                f"read the mapping {source}: {where}{name} is not known",
                code="mapping-file",
                hint=f"Did you mean {meant}?" if meant else f"Known here: {known}.",
            )
