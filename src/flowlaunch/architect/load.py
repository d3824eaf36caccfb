"""Loading a flow from the text of a file: Archy YAML, or an Architect export."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.dialect import DEFAULT, Dialect
from flowlaunch.architect.export_text import decode_export
from flowlaunch.architect.export_tree import export_tree
from flowlaunch.architect.load_flow import parse_flow
from flowlaunch.architect.source import Source
from flowlaunch.architect.templates import fill_slots
from flowlaunch.architect.yaml_nodes import MAX_TEXT_BYTES, read_yaml
from flowlaunch.errors import FlowSyntaxError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.flow import Flow
    from flowlaunch.architect.nodes import Node

__all__ = ["load_flow", "read_text"]

_BASE64: Final = re.compile(r"[A-Za-z0-9+/=\s]{16,}")
_JSON_START: Final = re.compile(r'\s*\{\s*"')


def load_flow(
    text: str | bytes,
    *,
    name: str,
    slots: Mapping[str, str] | None = None,
    lenient: bool = False,
    dialect: Dialect = DEFAULT,
) -> Flow:
    """Load one flow and compile everything in it, so that a flow that loads can run.

    Args:
        text: Archy YAML, the text of a `.i3WorkFlow` or `.i3CommonModuleFlow` export, or an export's JSON.
        name: how messages call it, e.g. the file's name.
        slots: values for `{{name}}` and `${name}`; every slot of the text needs one. Exports have none.
        lenient: turn actions with unknown kinds, fields, functions or names into recorded no-ops that are
            listed in `Flow.problems`, instead of refusing the flow.
        dialect: how expressions decide what nothing public settles.

    Raises:
        FlowSyntaxError: it is no flow: bad YAML, a missing field, a misplaced action, too large.
        FlowNameError: an unknown variable, action, field, state or slot; the hint names the nearest known one.
        FlowTypeError: a literal or an expression does not fit its field.
        FlowUnsupportedError: Architect knows it, but it is not emulated.

    """
    source = Source(name, read_text(text, name))
    return parse_flow(*_nodes(source, slots or {}, lenient=lenient), lenient=lenient, dialect=dialect)


def _nodes(source: Source, slots: Mapping[str, str], *, lenient: bool) -> tuple[Node, Source]:
    start = source.text[:4096]
    if _BASE64.fullmatch(start) or _JSON_START.match(start):
        document = decode_export(source)
        if document is not None:
            return export_tree(document, source, lenient=lenient), source
    filled = fill_slots(source, slots)
    return read_yaml(filled), filled


def read_text(text: str | bytes, name: str) -> str:
    """Decode UTF-8 and check the size.

    Raises:
        FlowSyntaxError: too large, or no UTF-8.

    """
    if len(text) > MAX_TEXT_BYTES:
        raise FlowSyntaxError(
            f"{name} has {len(text):,} bytes; the limit is {MAX_TEXT_BYTES:,}",
            hint="Split the flow: move parts into common modules.",
        )
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FlowSyntaxError(f"{name} is not UTF-8 (byte {error.start:,})", hint="Save the file as UTF-8.") from error
