"""What can be shown where: terminals, colour, and text that must not steer a terminal."""

from __future__ import annotations

import os
import sys
from typing import IO, Any

__all__ = ["is_terminal", "may_colour", "printable"]


def is_terminal(stream: IO[Any]) -> bool:
    """Tell whether a person is looking at `stream`."""
    try:
        return stream.isatty()
    except ValueError:  # the stream is closed
        return False


def may_colour(stream: IO[Any]) -> bool:
    """Tell whether `stream` takes colour: a terminal, no NO_COLOR, not a dumb one."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def printable(text: str, *, keep: str = "\n\t") -> str:
    """Tell `text` with its control characters spelled out, so that an answer cannot steer the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text)


def stderr_is_terminal() -> bool:
    """Tell whether a person is looking at standard error."""
    return is_terminal(sys.stderr)
