"""What the page asks of a sandbox that the gateway launches into: pictures of its runs."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Drawings"]


class Drawings(Protocol):
    """Pictures of runs; the command line joins a sandbox's to the gateway."""

    def style(self) -> str:
        """Give the style sheet of the pictures."""

    def svg(self, execution_id: str, *, values: bool) -> str | None:
        """Draw one run with the path it took; None when there is no finished run of that id. May be slow.

        `values`: also what its variables held, which is personal data as much as the input is.
        """

    def address(self, execution_id: str) -> str:
        """Give the address of the run's own page."""
