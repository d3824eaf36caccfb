"""The steps of a flow as labelled arrows between actions, for Mermaid and DOT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowlaunch.architect.drawing.words import path_label
from flowlaunch.architect.lint.paths import EXIT, Paths

if TYPE_CHECKING:
    from flowlaunch.architect.flow import Action, Flow

__all__ = ["Arrow", "arrows_of"]


@dataclass(frozen=True, slots=True)
class Arrow:
    """One arrow between points of `Paths`; `paths` are the output paths it stands for."""

    start: int
    end: int
    label: str = ""
    paths: tuple[str, ...] = ()
    is_call: bool = False


def arrows_of(flow: Flow) -> tuple[Paths, list[Arrow]]:
    """Give the points of a flow and the arrows between them; several paths to one point share an arrow."""
    ways = Paths(flow)
    arrows: list[Arrow] = []
    for point in ways.points:
        if point.action is None:
            arrows += [Arrow(point.number, edge.to) for edge in point.edges if edge.to != EXIT and edge.caller < 0]
        elif point.facts.goes == "task":
            arrows += _call(ways, point.number, point.action)
        else:
            arrows += _plain(ways, point.number, point.action)
    return ways, arrows


def _plain(ways: Paths, number: int, action: Action) -> list[Arrow]:
    targets: dict[int, list[str]] = {}
    for edge in ways.points[number].edges:
        if edge.to != EXIT and edge.caller < 0:
            targets.setdefault(edge.to, []).append(edge.path)
    is_choice = len(ways.points[number].facts.outcomes) > 1
    if len(targets) == 1 and not action.paths:
        is_choice = False
    return [
        Arrow(
            number,
            end,
            ", ".join(path_label(action, path) or "otherwise" for path in paths) if is_choice else "",
            tuple(paths),
        )
        for end, paths in targets.items()
    ]


def _call(ways: Paths, number: int, action: Action) -> list[Arrow]:
    """Draw the call of a task as an arrow to the task, and one to each point behind the call."""
    arrows = [Arrow(number, edge.to, "calls", is_call=True) for edge in ways.points[number].edges if edge.caller < 0]
    task = getattr(action.spec, "target", "")
    for caller, firsts, following in ways.calls(task):
        if caller == number:
            arrows += [Arrow(number, first, path, (path,)) for path, first in firsts.items()]
            if "default" not in firsts and following != EXIT:
                arrows.append(Arrow(number, following, "otherwise" if firsts else "then"))
    return arrows
