"""Second pass of the layout: every box, label and line gets its place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.drawing.measure import bold_width, fit
from flowlaunch.architect.drawing.shapes import Box, Line, Picture, Pill
from flowlaunch.architect.drawing.sizes import (
    CARD_WIDTH,
    GAP,
    HEAD_GAP,
    JOIN,
    LOOP_LEFT,
    LOOP_TOP,
    PILL_HEIGHT,
    Branch,
    Card,
    Column,
    Item,
    LoopBox,
    Measurer,
    Stack,
    pill_width,
)
from flowlaunch.architect.drawing.words import words_of

if TYPE_CHECKING:
    from flowlaunch.architect.drawing.overlay import Overlay
    from flowlaunch.architect.flow import Flow, Sequence

__all__ = ["lay_out"]

MARGIN: Final = 28.0
FRAME_PAD: Final = 26.0
FRAME_HEAD: Final = 56.0
FRAME_GAP: Final = 36.0
MARK: Final = 16.0
ROW_WIDTH: Final = 1500.0
ASPECT: Final = 1.5
"""Rows get so wide that the whole is about so many times as wide as high."""


def lay_out(flow: Flow, overlay: Overlay | None = None, top: float = 0) -> Picture:
    """Place everything: a frame for each state and task in rows, actions down, paths side by side.

    Args:
        flow: what to draw.
        overlay: counts and values to lay on it; values make cards taller.
        top: room to leave above, for a heading.

    """
    return _Placer(flow, overlay).place(top)


class _Placer:
    def __init__(self, flow: Flow, overlay: Overlay | None) -> None:
        self.flow = flow
        self.overlay = overlay
        self.picture = Picture()
        self.measurer = Measurer(flow, overlay)
        sequences = [("state", one) for one in flow.states.values()] + [("task", one) for one in flow.tasks.values()]
        sequences.sort(key=lambda pair: pair[1].ref_id != flow.start)
        self.sequences = sequences
        self.anchors = {(kind, one.ref_id): f"part-{number}" for number, (kind, one) in enumerate(sequences, 1)}
        self.callers = self._callers()

    def _callers(self) -> dict[tuple[str, str], list[str]]:
        """Find which actions lead to each state and task."""
        callers: dict[tuple[str, str], list[str]] = {}
        for action in self.flow.actions():
            target = words_of(action, self.flow).target
            if target is not None:
                callers.setdefault(target, []).append(f"{action.name} ({action.ref.container_name})")
        return callers

    def place(self, top: float) -> Picture:
        """Put the frames into rows from left to right."""
        picture = self.picture
        stacks = [(kind, one, self.measurer.stack(one.actions)) for kind, one in self.sequences]
        sizes = [self._frame_size(stack, one) for _, one, stack in stacks]
        area = sum((width + FRAME_GAP) * (height + FRAME_GAP) for width, height in sizes)
        row = max(ROW_WIDTH, math.sqrt(area * ASPECT), *(width for width, _ in sizes))
        x, y, tallest = MARGIN, MARGIN + top, 0.0
        for (kind, sequence, stack), (width, height) in zip(stacks, sizes, strict=True):
            if x > MARGIN and x + width > MARGIN + row:
                x, y, tallest = MARGIN, y + tallest + FRAME_GAP, 0.0
            self._frame(kind, sequence, stack, (x, y, width, height))
            picture.width = max(picture.width, x + width + MARGIN)
            x, tallest = x + width + FRAME_GAP, max(tallest, height)
        picture.height = y + tallest + MARGIN
        return picture

    def _frame_size(self, stack: Stack, sequence: Sequence) -> tuple[float, float]:
        width = (
            max(stack.left + stack.right, CARD_WIDTH, min(420.0, bold_width(sequence.name, 15) + 90)) + 2 * FRAME_PAD
        )
        end = 0.0 if stack.ends else GAP + MARK
        return width, FRAME_HEAD + MARK + GAP + stack.height + end + FRAME_PAD

    def _frame(self, kind: str, sequence: Sequence, stack: Stack, place: tuple[float, float, float, float]) -> None:
        x, y, width, height = place
        is_start = sequence.ref_id == self.flow.start
        callers = self.callers.get((kind, sequence.ref_id), [])
        subtitle = "" if is_start and not callers else f"from: {', '.join(dict.fromkeys(callers)) or 'nowhere'}"
        title = fit(sequence.name, width - 2 * FRAME_PAD - 70, 15, bold=True)
        full = "\n".join([f"{kind} {sequence.name}", subtitle, *(one.name for one in sequence.variables)])
        frame = self._add(
            Box("frame", x, y, width, height, -1, title, fit(subtitle, width - 2 * FRAME_PAD, 11), full,
                badge="start" if is_start else kind, anchor=self.anchors[(kind, sequence.ref_id)])
        )  # fmt: skip
        slack = width - 2 * FRAME_PAD - (stack.left + stack.right)
        axis = x + FRAME_PAD + slack / 2 + stack.left
        at = y + FRAME_HEAD
        self._mark("start", axis, at, frame)
        tone = self._tone_of_first(stack)
        first = at + MARK + GAP
        if stack.items:
            self._line([(axis, at + MARK), (axis, first)], tone, has_arrow=True)
        bottom = self._stack(stack, axis, first, frame)
        if not stack.ends:
            self._line([(axis, bottom), (axis, bottom + GAP)], "", has_arrow=True)
            self._mark("end", axis, bottom + GAP, frame)

    def _tone_of_first(self, stack: Stack) -> str:
        first = next(iter(stack.items), None)
        return self._tone(_card_of(first)) if first is not None else ""

    def _mark(self, kind: str, axis: float, y: float, parent: int) -> None:
        full = "start" if kind == "start" else "the list of actions ends here"
        self._add(Box(kind, axis - MARK / 2, y, MARK, MARK, parent, full=full))

    # -- items -------------------------------------------------------------------------------------------------

    def _stack(self, stack: Stack, axis: float, y: float, parent: int) -> float:
        """Place a list from `y` down and give where it ends."""
        before: Item | None = None
        for item in stack.items:
            if before is not None:
                if not before.ends:
                    self._line([(axis, y), (axis, y + GAP)], self._tone(_card_of(item)), has_arrow=True)
                y += GAP
            self._item(item, axis, y, parent)
            y += item.height
            before = item
        return y

    def _item(self, item: Item, axis: float, y: float, parent: int) -> None:
        if isinstance(item, Card):
            self._card(item, axis, y, parent)
        elif isinstance(item, LoopBox):
            self._loop(item, axis, y, parent)
        elif isinstance(item, Branch):
            self._branch(item, axis, y, parent)

    def _card(self, card: Card, axis: float, y: float, parent: int) -> None:
        words, number = card.words, card.action.ref.number
        anchor = self.anchors.get(words.target, "") if words.target else ""
        values = self.overlay.values.get(number, ()) if self.overlay else ()
        full = "\n".join([words.full, *values])
        self._add(
            Box("card", axis - CARD_WIDTH / 2, y, CARD_WIDTH, card.height, parent, words.name, "", full, words,
                card.lines, self._tone(card), self._badge(number), anchor)
        )  # fmt: skip

    def _branch(self, branch: Branch, axis: float, y: float, parent: int) -> None:
        self._card(branch.card, axis, y, parent)
        head = y + branch.card.height
        top, join = head + HEAD_GAP, y + branch.height - JOIN / 2
        for column in branch.columns:
            tone = self._path_tone(branch.card, column)
            x = axis + column.x
            bus = head + 14
            way = [(axis, head), (axis, bus), (x, bus)] if column.x else [(axis, head)]
            if column.stack is None:
                self._line([*way, (x, join), (axis, join), (axis, y + branch.height)], tone)
            else:
                self._line([*way, (x, top)], tone, has_arrow=True)
                bottom = self._stack(column.stack, x, top, parent)
                if not column.stack.ends:
                    self._line([(x, bottom), (x, join), (axis, join), (axis, y + branch.height)], tone)
            self._pill(column, x, head + 22, parent, tone)

    def _pill(self, column: Column, x: float, y: float, parent: int, tone: str) -> None:
        width = pill_width(column.label)
        text = fit(column.label, width - 14, 11)
        self.picture.pills.append(Pill(x - width / 2, y, width, PILL_HEIGHT, text, column.label, parent, tone))

    def _loop(self, loop: LoopBox, axis: float, y: float, parent: int) -> None:
        left, right = axis - loop.left, axis + loop.right
        full = f"the loop {loop.card.words.name}"
        frame = self._add(Box("loop", left, y, right - left, loop.height, parent, full=full))
        head = y + LOOP_TOP
        self._card(loop.card, axis, head, frame)
        below = head + loop.card.height
        body = below + HEAD_GAP
        column = Column(self.measurer.label(loop.card.action, ("loop",)), ("loop",), loop.body)
        tone = self._path_tone(loop.card, column)
        self._line([(axis, below), (axis, body)], tone, has_arrow=True)
        self._pill(column, axis, below + 18, frame, tone)
        bottom = self._stack(loop.body, axis, body, frame)
        if not loop.body.ends:
            side, middle = left + LOOP_LEFT / 2, head + loop.card.height / 2
            turn = [
                (axis, bottom),
                (axis, bottom + 14),
                (side, bottom + 14),
                (side, middle),
                (axis - CARD_WIDTH / 2, middle),
            ]
            self._line(turn, tone, has_arrow=True)

    # -- parts -------------------------------------------------------------------------------------------------

    def _add(self, box: Box) -> int:
        self.picture.boxes.append(box)
        return len(self.picture.boxes) - 1

    def _line(self, points: list[tuple[float, float]], tone: str, *, has_arrow: bool = False) -> None:
        self.picture.lines.append(Line(tuple(points), has_arrow, tone))

    def _tone(self, card: Card) -> str:
        if self.overlay is None:
            return ""
        number = card.action.ref.number
        if number in self.overlay.failed:
            return "failed"
        return "ran" if self.overlay.ran(number) else self._absent()

    def _path_tone(self, card: Card, column: Column) -> str:
        if self.overlay is None:
            return ""
        if not self.overlay.ran(card.action.ref.number):
            return self._absent()
        if any(self.overlay.took(card.action, path) for path in column.paths):
            return "ran"
        first = next(iter(column.stack.items), None) if column.stack else None
        if first is not None and self._tone(_card_of(first)) in {"ran", "failed"}:
            return "ran"  # a path that the trace does not name, such as the way on from a task
        return self._absent() if any(column.paths) else ""

    def _absent(self) -> str:
        """Give the tone of what did not run: a gap in coverage, or just not on the way of one run."""
        return "missed" if self.overlay is not None and self.overlay.kind == "coverage" else "idle"

    def _badge(self, number: int) -> str:
        if self.overlay is None:
            return ""
        count = self.overlay.ran(number)
        if self.overlay.kind == "coverage":
            return f"{count}\u00d7"
        steps = self.overlay.order.get(number, ())
        shown = " ".join(f"#{step}" for step in steps[:2])
        return f"{shown} \u2026 ({len(steps)}\u00d7)" if len(steps) > 2 else shown


def _card_of(item: Item) -> Card:
    """Give the card that an item begins with."""
    if isinstance(item, Card):
        return item
    if isinstance(item, Branch | LoopBox):
        return item.card
    raise AssertionError(item)
