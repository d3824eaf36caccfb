"""Colours and fonts of the drawing, for light and dark pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CATEGORY_TITLES", "svg_style"]

_CATEGORIES: Final[Mapping[str, tuple[str, str]]] = {
    "set": ("#6e56cf", "#b7a5ff"),
    "branch": ("#b45309", "#f5b45c"),
    "loop": ("#0f766e", "#4fd1c0"),
    "wait": ("#7c6f00", "#d9c94a"),
    "jump": ("#1d5fd1", "#7fb0ff"),
    "end": ("#57606a", "#9aa4af"),
    "call": ("#15803d", "#5fd38d"),
    "find": ("#0e7490", "#5cc8e6"),
    "talk": ("#a21caf", "#ee93f5"),
    "unknown": ("#b91c1c", "#ff8f8f"),
}
"""Category -> colour on light and on dark."""

CATEGORY_TITLES: Final[Mapping[str, str]] = {
    "set": "sets variables",
    "branch": "chooses a path",
    "loop": "loop",
    "wait": "waits",
    "jump": "goes elsewhere",
    "call": "data action",
    "find": "looks up",
    "talk": "conversation, message, voice",
    "end": "ends",
    "unknown": "not emulated",
}

_LIGHT: Final = {
    "page": "#eef1f4", "frame": "#ffffff", "edge": "#c6ced6", "card": "#fafbfc", "rim": "#d3dae1", "ink": "#1b222a",
    "soft": "#5b6672", "line": "#7d8894", "pill": "#e8edf2", "loop": "#f3faf9", "loopedge": "#6fb5ad",
    "ran": "#15803d", "ranpill": "#d6f2df", "missed": "#c2410c", "missedpill": "#fde6d8", "failed": "#b91c1c",
    "value": "#0b5a2a", "endfill": "#e9edf1",
}  # fmt: skip
_DARK: Final = {
    "page": "#0d1117", "frame": "#151b23", "edge": "#38424e", "card": "#1d2530", "rim": "#3a4552", "ink": "#e8eef4",
    "soft": "#9aa7b4", "line": "#7f8c99", "pill": "#2a3441", "loop": "#14221f", "loopedge": "#2f7d74",
    "ran": "#4ac26b", "ranpill": "#173d25", "missed": "#f0883e", "missedpill": "#472a12", "failed": "#ff7b72",
    "value": "#7ee2a0", "endfill": "#28313c",
}  # fmt: skip

_FONTS: Final = """\
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:10.5px}
.title{font-size:20px;font-weight:650}.sub{font-size:12px}.fname{font-size:15px;font-weight:650}.fsub{font-size:11px}
.kind{font-size:9px;font-weight:650;letter-spacing:.06em}.name{font-size:12.5px;font-weight:600}
.pt{font-size:11px;text-anchor:middle}.badge{font-size:10px;font-weight:650;text-anchor:end}
.tag{font-size:10px;font-weight:650;text-anchor:middle;letter-spacing:.04em}
.line{fill:none;stroke-width:1.6}.line.ran{stroke-width:2.6}.line.missed,.line.idle{stroke-dasharray:5 4}
.line.idle{opacity:.6}
.card.missed{stroke-dasharray:5 4}.card.ran{stroke-width:1.8}.card.failed{stroke-width:2.6}
.loopbox{stroke-dasharray:2 4;stroke-width:1.4}.faded{opacity:.6}
a{cursor:pointer}a:hover .card,a:focus .card{stroke-width:2.6}
"""


def _colours(palette: Mapping[str, str], index: int) -> str:
    p = palette
    rules = [
        f".page{{fill:{p['page']}}}.frame{{fill:{p['frame']};stroke:{p['edge']}}}",
        f".card{{fill:{p['card']};stroke:{p['rim']}}}.endcard{{fill:{p['endfill']}}}",
        f"text{{fill:{p['ink']}}}.soft{{fill:{p['soft']}}}.value{{fill:{p['value']}}}",
        f".line{{stroke:{p['line']}}}.arrow,.mark{{fill:{p['line']}}}.ring{{stroke:{p['line']};fill:none}}",
        f".pill{{fill:{p['pill']}}}.loopbox{{fill:{p['loop']};stroke:{p['loopedge']}}}",
        f".line.ran,.card.ran{{stroke:{p['ran']}}}.arrow.ran{{fill:{p['ran']}}}.pill.ran{{fill:{p['ranpill']}}}",
        f".line.missed,.card.missed{{stroke:{p['missed']}}}.arrow.missed{{fill:{p['missed']}}}",
        f".pill.missed{{fill:{p['missedpill']}}}.card.failed{{stroke:{p['failed']}}}",
        f".badge.ran{{fill:{p['ran']}}}.badge.missed{{fill:{p['missed']}}}.badge.failed{{fill:{p['failed']}}}",
    ]
    rules += [f".c-{name}{{fill:{colours[index]}}}" for name, colours in _CATEGORIES.items()]
    return "".join(f"{rule}\n" for rule in rules)


def svg_style() -> str:
    """Give the style sheet of a drawing; dark colours come with the reader's own choice."""
    dark = _colours(_DARK, 1)
    return f"{_FONTS}{_colours(_LIGHT, 0)}@media (prefers-color-scheme:dark){{\n{dark}}}\n"


def page_colours() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Give the light and the dark palette."""
    return _LIGHT, _DARK
