"""Find input data in code and JSON, and the keys in it that lack their prefix."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from flowlaunch.explain.finding import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.explain.finding import Finding

__all__ = ["UNPREFIXED", "unprefixed_keys"]

_OPENING: Final = re.compile(
    r"""["']?\b(?:inputData|input_data|flow_inputs?|flowInputs?|inputs|data)\b["']?\s*"""
    r"""(?::\s*(?:[\w\[\], ]+=\s*)?|=\s*)\{"""
)
_KEY: Final = re.compile(r"""(["'])(?P<key>[^"'\n]+)\1\s*:""")
_OBJECT_CHARS: Final = 20_000
_OPENINGS: Final = 50
_NO_INPUT: Final = frozenset({"grant_type", "client_id", "client_secret", "code", "redirect_uri", "flowId", "Flow"})

UNPREFIXED: Final = Rule(
    id="unprefixed-key",
    pattern=_OPENING,
    needs=re.compile(r"flow_?id\b|flows/executions|flowType|flow_input", re.IGNORECASE),
    finding="the platform's input keys carry the prefix `Flow.`; a key without it is dropped in silence",
    cure='"Flow.<name>"',
    evidence="official",
    source="official blueprint wfm-hris (its launch); whether keys without the prefix are taken too is not known",
    example='{"flowId": "1", "inputData": {"customerName": "Jane"}}',
    counterexample='{"flowId": "1", "inputData": {"Flow.customerName": "Jane"}}',
    weight="risk",
)


def unprefixed_keys(text: str) -> Iterator[Finding]:
    """Find the keys of input data that have no `Flow.` in front."""
    if UNPREFIXED.needs is None or not UNPREFIXED.needs.search(text):
        return
    for opening in islice(_OPENING.finditer(text), _OPENINGS):
        keys = [key for key in _keys(text, opening.end()) if key[1] not in _NO_INPUT]
        for position, key in keys:
            if not key.startswith("Flow."):
                yield UNPREFIXED.at(text, position, f'"Flow.{key}"')


def _keys(text: str, start: int) -> Iterator[tuple[int, str]]:
    """Tell the keys of the object that was opened just before `start`, its inner objects left out."""
    depth, position, end = 1, start, min(len(text), start + _OBJECT_CHARS)
    while position < end and depth:
        match = _KEY.match(text, position) if depth == 1 else None
        if match:
            yield position, match["key"]
            position = match.end()
            continue
        mark = text[position]
        if mark in "\"'":
            closing = text.find(mark, position + 1)
            position = closing if closing >= 0 else len(text)
        depth += {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}.get(mark, 0)
        position += 1
