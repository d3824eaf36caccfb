"""Drawing a flow: Mermaid, DOT, and SVG or HTML of our own layout, with coverage or one run laid on it."""

from flowlaunch.architect.drawing.dot import dot_of
from flowlaunch.architect.drawing.mermaid import mermaid_of
from flowlaunch.architect.drawing.overlay import Overlay, overlay_of_coverage, overlay_of_trace
from flowlaunch.architect.drawing.page import html_of
from flowlaunch.architect.drawing.svg import svg_of

__all__ = [
    "Overlay",
    "dot_of",
    "html_of",
    "mermaid_of",
    "overlay_of_coverage",
    "overlay_of_trace",
    "svg_of",
]
