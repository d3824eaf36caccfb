"""A drawing as one HTML page: the picture, and the same in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlaunch.architect.drawing.style import page_colours
from flowlaunch.architect.drawing.svg import plain, svg_of
from flowlaunch.architect.drawing.words import path_label, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flowlaunch.architect.drawing.overlay import Overlay
    from flowlaunch.architect.flow import Action, Flow, Variable

__all__ = ["html_of"]

_LAYOUT = """\
:root{color-scheme:light dark}
body{margin:0;font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;background:PAGE;color:INK}
.picture{overflow:auto;max-height:100vh}
.picture svg{display:block;margin:0 auto}
main{max-width:72rem;margin:0 auto;padding:1rem 1.75rem 3rem}
details{background:FRAME;border:1px solid EDGE;border-radius:10px;margin:.75rem 0;padding:.6rem 1rem}
summary{cursor:pointer;font-weight:600}
table{border-collapse:collapse;width:100%;margin:.6rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-top:1px solid EDGE}
th{border-top:0;font-weight:600}
code,pre{font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;margin:0;
overflow-wrap:anywhere}
ol{padding-left:1.4rem}li{margin:.35rem 0}
.path{font-weight:600}
"""


def html_of(flow: Flow, overlay: Overlay | None = None) -> str:
    """Draw a flow as a page: SVG inside, variables and every action in full below; no scripts, no other files."""
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{plain(flow.name)}</title>",
        f"<style>{_style()}</style>",
        '</head>\n<body>\n<div class="picture" tabindex="0" role="region" aria-label="Drawing of the flow">',
        svg_of(flow, overlay).rstrip(),
        "</div>\n<main>",
        *_variables("Inputs", flow.inputs),
        *_variables("Outputs", flow.outputs),
        *_variables("Other variables", [one for one in flow.variables if not one.is_input and not one.is_output]),
        *_words(flow, overlay),
        "</main>\n</body>\n</html>",
    ]
    return "\n".join(parts) + "\n"


def _style() -> str:
    light, dark = page_colours()
    night = _filled(_LAYOUT, dark)
    return f"{_filled(_LAYOUT, light)}@media (prefers-color-scheme:dark){{\n{night}}}\n"


def _filled(text: str, palette: Mapping[str, str]) -> str:
    for word, key in (("PAGE", "page"), ("FRAME", "frame"), ("EDGE", "edge"), ("INK", "ink")):
        text = text.replace(word, palette[key])
    return text


def _variables(title: str, variables: Iterable[Variable]) -> Iterator[str]:
    listed = list(variables)
    if not listed:
        return
    yield f"<details><summary>{title} ({len(listed)})</summary><table>"
    yield "<tr><th>Name</th><th>Type</th><th>Starts as</th><th>About</th></tr>"
    for one in listed:
        initial = "(secured)" if one.is_secure and one.initial.text else one.initial.text
        cells = (f"<code>{plain(one.name)}</code>", plain(one.type.title), f"<code>{plain(initial)}</code>")
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}<td>{plain(one.description)}</td></tr>"
    yield "</table></details>"


def _words(flow: Flow, overlay: Overlay | None) -> Iterator[str]:
    """Write every action with its full texts, nested as in the flow."""
    for sequence in (*flow.states.values(), *flow.tasks.values()):
        kind = "Task" if sequence.kind == "module" else sequence.kind.capitalize()
        yield f"<details><summary>{kind} {plain(sequence.name)} in words</summary>"
        yield from _listed(sequence.actions, flow, overlay)
        yield "</details>"


def _listed(actions: Iterable[Action], flow: Flow, overlay: Overlay | None) -> Iterator[str]:
    yield "<ol>"
    for action in actions:
        words = words_of(action, flow)
        ran = f" ({overlay.ran(action.ref.number)}\u00d7)" if overlay else ""
        yield f"<li>{plain(words.kind)}: <strong>{plain(words.name)}</strong>{ran}"
        lines = [*words.lines, *(overlay.values.get(action.ref.number, ()) if overlay else ())]
        if lines:
            yield f"<pre>{plain(chr(10).join(lines))}</pre>"
        for path, inner in action.paths.items():
            yield f'<div class="path">{plain(path_label(action, path))}</div>'
            yield from _listed(inner, flow, overlay)
        yield "</li>"
    yield "</ol>"
