"""Input data from the command line: `-i k=v`, `-i k:=JSON` and `--input @file.json`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["input_options", "read_inputs", "typed_hint"]


def input_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name input data."""
    for option in (
        click.option(
            "--input",
            "document",
            metavar="@FILE",
            help="JSON object with the input data: @file.json, or - for standard input.",
        ),
        click.option(
            "-i",
            "--set",
            "pairs",
            multiple=True,
            metavar="K=V",
            help="One input: name=text, or name:=JSON for numbers, booleans and lists. Repeatable.",
        ),
    ):
        function = option(function)
    return function


def read_inputs(pairs: Sequence[str], document: str | None) -> dict[str, Any]:
    """Tell the input data; single inputs overrule those of the document.

    Raises:
        InputError: the document cannot be read, or it or a value is not JSON, or it is no object.
        click.UsageError: a pair has no `=`, or names the same input twice.

    """
    found = _from_document(document) if document is not None else {}
    seen: set[str] = set()
    for pair in pairs:
        name, value = _from_pair(pair)
        if name in seen:
            raise click.UsageError(f"input {name!r} is given twice")
        seen.add(name)
        found[name] = value
    return found


def _from_pair(pair: str) -> tuple[str, Any]:
    name, equals, text = pair.partition("=")
    if not equals or not name.strip(": "):
        raise click.UsageError(f"-i {pair!r}: expected name=text or name:=JSON")
    if not name.endswith(":"):
        return name.strip(), text
    return name[:-1].strip(), _decoded(text, f"input {name[:-1].strip()!r}", "JSON text needs quotes: -i 'k:=\"v\"'.")


def _from_document(document: str) -> dict[str, Any]:
    if document in {"-", "@-"}:
        source, text = "standard input", sys.stdin.buffer.read()
    elif document.startswith("@"):
        source, text = document[1:], _read(Path(document[1:]))
    elif document.lstrip().startswith(("{", "[")):
        source, text = "--input", document.encode()
    else:
        raise click.UsageError(f"--input {document!r}: write @{document} to read that file, or - for standard input")
    found = _decoded(text, source, 'Give one JSON object: {"Flow.name": "value"}.')
    if not isinstance(found, dict):
        raise InputError(
            f"the input data in {source} is {_kind(found)}, not an object",
            hint='Give one JSON object: {"Flow.name": "value"}.',
        )
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read the input data in {path}: {error.strerror}", hint="Check the path after the @."
        ) from error


def _decoded(text: str | bytes, source: str, hint: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{source} is not JSON: {error}", code="not-json", hint=hint) from error


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}.get(
        type(value), "null"
    )


def typed_hint(pairs: Sequence[str], key: str) -> str:
    """Tell how to give `key` as something else than text, when it was given as text that reads as JSON."""
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name in {key, key.removeprefix("Flow.")}:
            try:
                value = msgspec.json.decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if not isinstance(value, str):
                return f"write -i {name}:={text}"
    return ""
