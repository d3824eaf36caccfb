"""Data on standard output: table, json, jsonl or csv, after an optional JMESPath query."""

from __future__ import annotations

import csv
import sys
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

import click
import msgspec

from flowlaunch.batch.results.csv_cells import cell_for_csv, cell_text
from flowlaunch.cli.terminal import is_terminal, may_colour, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["FORMATS", "emit", "plain", "queried"]

Columns: TypeAlias = "Mapping[str, str]"
_ALL: Final[Columns] = {}


def plain(value: Any) -> Any:
    """Turn models into mappings, lists, text and numbers, with our field names."""
    return msgspec.to_builtins(value, str_keys=True)


def queried(value: Any, query: str | None) -> Any:
    """Apply a JMESPath expression.

    Raises:
        click.BadParameter: the expression is wrong.

    """
    if not query:
        return value
    import jmespath  # noqa: PLC0415 - only for those who ask
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415

    try:
        return jmespath.search(query, value)
    except JMESPathError as error:
        raise click.BadParameter(f"not a JMESPath expression: {error}", param_hint="--query") from error


def emit(value: Any, output: str, *, query: str | None = None, columns: Columns = _ALL) -> None:
    """Write `value`, a record or an iterable of records, to standard output.

    `columns` are the fields that a table of records shows, path -> heading, all fields when empty; the other
    formats always carry every field.
    """
    is_listing = hasattr(value, "__iter__") and not isinstance(value, dict | str | msgspec.Struct)
    if is_listing and output == "jsonl" and not query:
        for one in value:  # a long listing starts to come out before it has all arrived
            _json_line(plain(one))
        return
    shown = plain(list(value) if is_listing else value)
    FORMATS[output](queried(shown, query), _ALL if query else columns)


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")


def _json_line(value: Any) -> None:
    _write(msgspec.json.encode(value).decode())
    sys.stdout.flush()


def _json(value: Any, _columns: Columns) -> None:
    _write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _jsonl(value: Any, _columns: Columns) -> None:
    for one in value if isinstance(value, list) else [value]:
        _json_line(one)


def _csv(value: Any, _columns: Columns) -> None:
    rows = _rows(value)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    names = _names(rows)
    if names:
        writer.writerow([cell_for_csv(name) for name in names])
    for row in rows:
        writer.writerow([cell_for_csv(row.get(name)) for name in names])


def _rows(value: Any) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [one if isinstance(one, dict) else {"value": one} for one in items]


def _names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _shown(value: Any) -> str:
    """Spell one cell for a person: a list of plain values reads better without its brackets."""
    if isinstance(value, list) and value and not any(isinstance(one, dict | list) for one in value):
        return ", ".join(map(cell_text, value))
    return cell_text(value)


def _table(value: Any, columns: Columns) -> None:
    if isinstance(value, dict):
        _record(value)
    elif isinstance(value, list) and all(isinstance(one, dict) for one in value):
        _grid(value, columns or {name: name for name in _names(value)})
    else:
        for one in value if isinstance(value, list) else [value]:
            _write(printable(_shown(one)))


def _record(value: Mapping[str, Any]) -> None:
    lines = [(name, text) for name, text in _flat("", value) if text]
    width = max((len(name) for name, _ in lines), default=0)
    for name, text in lines:
        first, *rest = printable(text).splitlines()
        label = click.style(name.ljust(width), bold=True) if may_colour(sys.stdout) else name.ljust(width)
        _write(f"{label}  {first}")
        for line in rest:
            _write(f"{' ' * width}  {line}")


def _flat(prefix: str, value: Any) -> Iterable[tuple[str, str]]:
    """Spread a nested record into lines: `flow_version.name`, `output_data.Flow.x`."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else name, inner)
    else:
        yield prefix, _shown(value)


def _grid(rows: Sequence[Mapping[str, Any]], columns: Columns) -> None:
    if not rows:
        return
    cells = [[printable(_shown(_dig(row, name)), keep="") for name in columns] for row in rows]
    heads = [head.upper() for head in columns.values()]
    if is_terminal(sys.stdout):
        _rich_grid(heads, cells)
        return
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for line in (heads, *cells):
        _write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _dig(row: Mapping[str, Any], name: str) -> Any:
    if name in row:
        return row[name]
    head, dot, rest = name.partition(".")
    inner = row.get(head)
    return _dig(inner, rest) if dot and isinstance(inner, dict) else None


def _rich_grid(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - 30 ms that only a terminal pays
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold", no_wrap=head.endswith("ID"))  # ids are there to be copied
    for line in cells:
        table.add_row(*(Text(cell) for cell in line))  # Text: an answer's [brackets] are no markup
    console: IO[str] = sys.stdout
    Console(file=console, no_color=not may_colour(sys.stdout), highlight=False).print(table)


FORMATS: Final[Mapping[str, Callable[[Any, Columns], None]]] = {
    "table": _table,
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
}
