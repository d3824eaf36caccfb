"""Traces as text: one line an action, the same for the same run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flowlaunch.architect.trace import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.architect.trace import Trace, TraceEntry

__all__ = ["entry_changes", "entry_head", "entry_inputs", "trace_lines", "value_text"]

_MAX_VALUE_CHARS = 120


def value_text(value: Any) -> str:
    """Write a traced value on one line; NOT_SET is written so."""
    shown = readable(value)
    text = "NOT_SET" if shown is None else json.dumps(shown, ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE_CHARS else f"{text[:_MAX_VALUE_CHARS]}..."


def entry_head(entry: TraceEntry) -> str:
    """Name an action: kind, name and the path taken."""
    path = f" -> {entry.path}" if entry.path else ""
    return f'{entry.ref.key} "{entry.ref.name}"{path}'


def entry_inputs(entry: TraceEntry) -> str:
    """Write what went into an action."""
    return ", ".join(f"{name}={value_text(value)}" for name, value in entry.inputs)


def entry_changes(entry: TraceEntry) -> str:
    """Write what an action set."""
    return ", ".join(f"{name} = {value_text(value)}" for name, value in entry.changes)


def trace_lines(trace: Trace) -> tuple[str, ...]:
    """Write a trace for comparing: seconds since the start, place, action, inputs and changes."""
    return tuple(_lines(trace))


def _lines(trace: Trace) -> Iterator[str]:
    start = trace.entries[0].started_at if trace.entries else None
    for entry in trace.entries:
        seconds = 0.0 if start is None else (entry.started_at - start).total_seconds()
        parts = [f"+{seconds:g}s {'  ' * entry.depth}{entry.ref.place} {entry_head(entry)}"]
        parts += [f"({text})" for text in (entry_inputs(entry),) if text]
        parts += [f"set {text}" for text in (entry_changes(entry),) if text]
        parts += [f"error: {entry.error}"] if entry.error else []
        parts += [f"note: {entry.note}"] if entry.note else []
        yield " ".join(parts)
    if trace.left_out:
        yield f"... {trace.left_out:,} more"
