"""Ask a real org and a sandbox the same harmless questions, and show where they differ, without a value of either.

What goes into a report is picked from lists of published names and plain words; everything else is left out, so no
id, name, token, host or secret can be in it. Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowlaunch.parity.compare import Difference, Row, compared
    from flowlaunch.parity.probes import PROBES, Probe
    from flowlaunch.parity.report import Report
    from flowlaunch.parity.shapes import Shape, shape_of
    from flowlaunch.parity.visiting import Place, visit

__all__ = ["PROBES", "Difference", "Place", "Probe", "Report", "Row", "Shape", "compared", "shape_of", "visit"]

_PLACES = {
    "PROBES": "probes",
    "Probe": "probes",
    "Difference": "compare",
    "Row": "compare",
    "compared": "compare",
    "Report": "report",
    "Shape": "shapes",
    "shape_of": "shapes",
    "Place": "visiting",
    "visit": "visiting",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
