"""Flows as pictures inside a page, with the path of one run on them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from flowlaunch.architect.drawing import overlay_of_trace, svg_of
from flowlaunch.architect.drawing.style import svg_style
from flowlaunch.sandbox.page import BASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.architect.flow import Flow
    from flowlaunch.sandbox.runs import Execution
    from flowlaunch.sandbox.service import Service

__all__ = ["RunDrawings", "flow_picture", "run_picture"]


def flow_picture(program: Flow) -> Markup:
    """Draw a flow."""
    return Markup(svg_of(program, styled=False))  # noqa: S704 - the drawing escapes every text of the flow


def run_picture(service: Service, execution: Execution, *, values: bool = True) -> Markup | None:
    """Draw the flow of a finished run with the path it took; None when its trace is gone or not there yet.

    `values` False leaves out what the run's variables held.
    """
    trace, program = service.runs.trace(execution), execution.version.program
    if trace is None or program is None:
        return None
    overlay = overlay_of_trace(trace.as_json(), program)
    if not values:
        overlay = replace(overlay, values={})
    return Markup(svg_of(program, overlay, styled=False))  # noqa: S704 - as above


class RunDrawings:
    """Pictures of a sandbox's runs for another page, e.g. that of a gateway that launches into this sandbox.

    `ask` puts a question to the sandbox in the thread that serves it.
    """

    def __init__(self, url: str, ask: Callable[[Callable[[Service], Markup | None]], Markup | None]) -> None:
        self._url = url
        self._ask = ask

    @staticmethod
    def style() -> str:
        """Give the pictures' style sheet; the page that shows them serves it."""
        return svg_style()

    def svg(self, execution_id: str, *, values: bool) -> str | None:
        """Draw one run, with or without what its variables held; None when there is no finished run of that id."""

        def draw(service: Service) -> Markup | None:
            execution = service.execution(execution_id)
            return None if execution is None else run_picture(service, execution, values=values)

        return self._ask(draw)

    def address(self, execution_id: str) -> str:
        """Give the address of the run's own page."""
        return f"{self._url}{BASE}/executions/{execution_id}"
