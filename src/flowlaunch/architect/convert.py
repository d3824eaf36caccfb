"""Writing an Architect export as Archy YAML: the tree that the loader reads an export as, written out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.export_text import decode_export
from flowlaunch.architect.export_tree import export_tree
from flowlaunch.architect.load import read_text
from flowlaunch.architect.nodes import Listing, Node, Table, Text
from flowlaunch.architect.source import Source
from flowlaunch.errors import FlowSyntaxError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["convert_export", "write_yaml"]

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./()\[\]= -]*[A-Za-z0-9_)\]]|[A-Za-z_]")
_SPECIAL: Final = re.compile(r"(?i:true|false|yes|no|on|off|null|y|n)|.* #.*|.*: .*|[-?] .*")
_NUMBER: Final = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?")
_KEPT_EMPTY: Final = frozenset({"actions", "cases", "statements"})
_INDENT: Final = "  "


def convert_export(text: str | bytes, *, name: str) -> str:
    """Write an export (`.i3WorkFlow`, `.i3CommonModuleFlow`) as Archy YAML that runs as it does.

    Raises:
        FlowSyntaxError: it is no export, or damaged.
        FlowUnsupportedError: it is of another type of flow, or has an action that cannot be read.

    """
    source = Source(name, read_text(text, name))
    document = decode_export(source)
    if document is None:
        raise FlowSyntaxError(
            f"{name} is no Architect export",
            hint="Give a .i3WorkFlow or .i3CommonModuleFlow file; YAML needs no converting.",
        )
    kind, body = export_tree(document, source).only(name)
    fields = body.entries if isinstance(body, Table) else ()
    entries = [(key, node) for key, node in fields if not _is_empty(key.value, node)]
    lines = [f"{kind.value}:", *_entries(entries, 1, _languages(document))]
    return "\n".join(lines) + "\n"


def _languages(document: dict[str, Any]) -> tuple[str, ...]:
    """Give lines that Archy asks for and the loader's tree has not: the supported languages."""
    found = document.get("supportedLanguages")
    names = (
        [item.get("language") if isinstance(item, dict) else item for item in found] if isinstance(found, list) else []
    )
    known = [name for name in names if isinstance(name, str)] or [str(document.get("defaultLanguage") or "en-us")]
    return (f"{_INDENT}supportedLanguages:", *(line for name in known for line in _language(name)))


def _language(name: str) -> tuple[str, str]:
    return f"{_INDENT * 2}{_scalar(name, quoted=True)}:", f"{_INDENT * 3}none: true"


def write_yaml(node: Node) -> str:
    """Write nodes as YAML; what was quoted text stays text."""
    return "\n".join(_block(node, 0)) + "\n"


def _is_empty(key: str, node: Node) -> bool:
    if key in _KEPT_EMPTY:
        return False
    if isinstance(node, Text):
        return not node.value or (key == "isSecure" and node.value == "false")
    return not (node.items if isinstance(node, Listing) else node.entries)


def _entries(entries: list[tuple[Text, Node]], level: int, more: tuple[str, ...] = ()) -> Iterator[str]:
    pad = _INDENT * level
    for key, node in entries:
        name = _scalar(key.value, quoted=True)
        if isinstance(node, Text):
            yield f"{pad}{name}: {_scalar(node.value, quoted=node.quoted)}"
        elif _is_empty("", node):
            yield f"{pad}{name}: {'[]' if isinstance(node, Listing) else '{}'}"
        else:
            yield f"{pad}{name}:"
            yield from _block(node, level + 1)
        if key.value == "defaultLanguage" and more:
            yield from more


def _block(node: Node, level: int) -> Iterator[str]:
    pad = _INDENT * level
    if isinstance(node, Text):
        yield pad + _scalar(node.value, quoted=node.quoted)
    elif isinstance(node, Table):
        kept = [(key, item) for key, item in node.entries if not _is_empty(key.value, item)]
        yield from _entries(kept, level) if kept else (f"{pad}{{}}",)
    else:
        for item in node.items:
            first, *rest = _block(item, level + 1)
            yield f"{pad}- {first.removeprefix(_INDENT * (level + 1))}"
            yield from rest


def _scalar(text: str, *, quoted: bool) -> str:
    """Write a text; one that was not quoted is a number or boolean and stays bare."""
    if not quoted:
        return text
    if _PLAIN.fullmatch(text) and not _SPECIAL.fullmatch(text) and not _NUMBER.fullmatch(text):
        return text
    if '"' in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=False)
