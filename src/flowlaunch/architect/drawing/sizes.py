"""First pass of the layout: how much room every action, branch, loop and list needs around its axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.actions.loops import Loop
from flowlaunch.architect.drawing.measure import fit, sans_width, wrap
from flowlaunch.architect.drawing.shapes import Text
from flowlaunch.architect.drawing.words import Words, path_label, words_of
from flowlaunch.architect.lint.facts import facts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch.architect.drawing.overlay import Overlay
    from flowlaunch.architect.flow import Action, Flow

__all__ = [
    "CARD_WIDTH",
    "GAP",
    "HEAD_GAP",
    "JOIN",
    "LINE_HEIGHT",
    "LOOP_LEFT",
    "LOOP_TOP",
    "PILL_HEIGHT",
    "TEXT_SIZE",
    "Branch",
    "Card",
    "Column",
    "Item",
    "LoopBox",
    "Measurer",
    "Stack",
    "pill_width",
]

CARD_WIDTH: Final = 264.0
GAP: Final = 30.0
"""Between one action and the next."""
HEAD_GAP: Final = 54.0
"""Between a branching card and its paths: room for the labels."""
JOIN: Final = 28.0
"""Below the paths, where those that go on meet."""
COLUMN_GAP: Final = 26.0
PILL_HEIGHT: Final = 20.0
LOOP_LEFT: Final = 30.0
LOOP_RIGHT: Final = 16.0
LOOP_TOP: Final = 16.0
LOOP_BOTTOM: Final = 30.0
TEXT_SIZE: Final = 10.5
LINE_HEIGHT: Final = 14.5
CARD_HEAD: Final = 42.0
_MAX_LINES: Final = 4
_MAX_VALUES: Final = 4
_MAX_PILL: Final = 190.0
_HALF: Final = CARD_WIDTH / 2


@dataclass(slots=True)
class Item:
    """Something on an axis: `left` and `right` of it, `height` down; `ends` when nothing goes on below."""

    left: float
    right: float
    height: float
    ends: bool


@dataclass(slots=True)
class Card(Item):
    """One action."""

    action: Action
    words: Words
    lines: tuple[Text, ...]


@dataclass(slots=True)
class Stack(Item):
    """A list of actions, one below the other."""

    items: list[Item]


@dataclass(slots=True)
class Column:
    """One path beside others; without a stack it is a bare line past them, for all `paths` that have no actions.

    `x` is the place of its axis from the branch's own.
    """

    label: str
    paths: tuple[str, ...]
    stack: Stack | None
    x: float = 0


@dataclass(slots=True)
class Branch(Item):
    """A card with paths side by side."""

    card: Card
    columns: list[Column]


@dataclass(slots=True)
class LoopBox(Item):
    """A loop's card and its body in a frame."""

    card: Card
    body: Stack


def pill_width(label: str) -> float:
    """Give the width of a path's label."""
    return min(_MAX_PILL, max(34.0, sans_width(label, 11) + 18))


class Measurer:
    """Measures the actions of one flow."""

    def __init__(self, flow: Flow, overlay: Overlay | None) -> None:
        self.flow = flow
        self.overlay = overlay

    def stack(self, actions: Sequence[Action]) -> Stack:
        """Measure a list of actions."""
        items = [self.item(action) for action in actions]
        return Stack(
            left=max((item.left for item in items), default=0.0),
            right=max((item.right for item in items), default=0.0),
            height=sum(item.height for item in items) + GAP * max(0, len(items) - 1),
            ends=any(item.ends for item in items),
            items=items,
        )

    def item(self, action: Action) -> Item:
        """Measure one action with all its paths."""
        card = self.card(action)
        filled = {path: inner for path, inner in action.paths.items() if inner}
        if isinstance(action.spec, Loop) and filled:
            return self.loop(card, self.stack(filled["loop"]))
        return self.branch(card, filled) if filled else card

    def card(self, action: Action) -> Card:
        """Measure the card alone."""
        words = words_of(action, self.flow)
        lines = self.lines(action, words)
        goes = facts_of(action)
        ends = goes.goes not in {"on", "task"} or all(path == "end" for path, _ in goes.outcomes if goes.outcomes)
        height = CARD_HEAD + LINE_HEIGHT * len(lines) + (6 if lines else 0)
        return Card(_HALF, _HALF, height, ends and goes.goes != "task", action, words, lines)

    def lines(self, action: Action, words: Words) -> tuple[Text, ...]:
        """Give what the card shows below the name, cut to its width."""
        room = CARD_WIDTH - 30
        shown: list[Text] = []
        if len(words.lines) == 1:
            shown += [Text(part) for part in wrap(words.lines[0], room, TEXT_SIZE, 3)]
        else:
            left_out = len(words.lines) - _MAX_LINES
            kept = words.lines if left_out <= 0 else words.lines[: _MAX_LINES - 1]
            shown += [Text(fit(line, room, TEXT_SIZE, mono=True)) for line in kept]
            shown += [Text(f"+{left_out + 1} more")] if left_out > 0 else []
        if self.overlay is not None:
            values = self.overlay.values.get(action.ref.number, ())
            shown += [Text(fit(line, room - 10, TEXT_SIZE, mono=True), "value") for line in values[:_MAX_VALUES]]
        return tuple(shown)

    def loop(self, card: Card, body: Stack) -> LoopBox:
        """Measure a loop with its body."""
        return LoopBox(
            left=max(_HALF, body.left) + LOOP_LEFT,
            right=max(_HALF, body.right) + LOOP_RIGHT,
            height=LOOP_TOP + card.height + HEAD_GAP + body.height + LOOP_BOTTOM,
            ends=False,
            card=card,
            body=body,
        )

    def label(self, action: Action, paths: tuple[str, ...]) -> str:
        """Name paths that share a line; coverage adds how often they were taken."""
        names = ", ".join(path_label(action, path) or "otherwise" for path in paths)
        if self.overlay is None or self.overlay.kind != "coverage" or not any(paths):
            return names
        return f"{names} \u00b7 {sum(self.overlay.took(action, path) for path in paths)}\u00d7"

    def branch(self, card: Card, filled: dict[str, tuple[Action, ...]]) -> Branch:
        """Measure an action with its paths; those without actions share one bare line."""
        action = card.action
        possible = [path for path, _ in facts_of(action).outcomes]
        order = [path for path in possible if path in filled] + [path for path in filled if path not in possible]
        columns = [Column(self.label(action, (path,)), (path,), self.stack(filled[path])) for path in order]
        bare = tuple(path for path in possible if path not in filled and path != "end")
        if facts_of(action).goes == "task" and "default" not in filled:
            bare = ("",)
        left, right = _side_by_side(columns)
        if bare:
            label = self.label(action, bare)
            lane = Column(label, bare, None, right + 16 + pill_width(label) / 2)
            columns.append(lane)
            right = lane.x + pill_width(label) / 2
        goes_on = any(column.stack is None or not column.stack.ends for column in columns)
        tallest = max((column.stack.height for column in columns if column.stack), default=0.0)
        height = card.height + HEAD_GAP + tallest + (JOIN if goes_on else 0)
        return Branch(left, right, height, not goes_on, card, columns)


def _side_by_side(columns: list[Column]) -> tuple[float, float]:
    """Place columns beside one another, the axis in the middle of the outer two; give the room left and right."""
    cursor = 0.0
    for column in columns:
        if column.stack is not None:
            wide = max(pill_width(column.label) / 2, _HALF)
            column.x = cursor + max(column.stack.left, wide)
            cursor = column.x + max(column.stack.right, wide) + COLUMN_GAP
    axis = (columns[0].x + columns[-1].x) / 2
    for column in columns:
        column.x -= axis
    return max(_HALF, axis), max(_HALF, cursor - COLUMN_GAP - axis)
