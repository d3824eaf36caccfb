"""loop, loopNext and loopExit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.actions.branch import unset
from flowlaunch.architect.flow import Spec
from flowlaunch.architect.reader import ActionReader, Kind
from flowlaunch.architect.types import INT
from flowlaunch.architect.values import NOT_SET
from flowlaunch.errors import FlowSyntaxError

if TYPE_CHECKING:
    from flowlaunch.architect.given import Given, Target
    from flowlaunch.architect.program import Link, Step
    from flowlaunch.architect.run_state import Run

__all__ = ["KINDS", "Loop", "LoopJump"]


@dataclass(frozen=True, slots=True)
class Loop(Spec):
    """Run the path `loop` `count` times; `index`, if given, counts from 0.

    The turn is counted apart from the index variable, so a body that changes the variable changes nothing else.
    Every turn counts as one action, and so does finding that there are no more.
    """

    index: Target | None
    count: Given

    def compile(self, at: Link) -> Step:
        """Make its step."""
        pc, following, body = at.pc, at.next, at.body("loop")
        index, count = self.index, self.count

        def turn(run: Run) -> int:
            state = run.loops.get(pc)
            if state is None:
                state = run.loops[pc] = [0, _count(run)]
            elif run.rules.loop_count == "each turn":
                state[1] = _count(run)
            number, total = state
            if number >= total:
                del run.loops[pc]
                run.note((("loopCount", total),))
                return following
            state[0] = number + 1
            changes = () if index is None else (run.assign(index, number),)
            run.note((("loopCount", total),), "loop", changes)
            return body

        def _count(run: Run) -> int:
            value = run.value_of(count)
            if value is NOT_SET or not isinstance(value, int):
                raise unset(count, f'the count of loop "{at.action.name}"')
            return value

        return turn


@dataclass(frozen=True, slots=True)
class LoopJump(Spec):
    """Start the next turn of the loop around, or leave it."""

    leave: bool

    def compile(self, at: Link) -> Step:
        """Make its step."""
        again, after = at.loop or (at.next, at.next)
        leave = self.leave

        def jump(run: Run) -> int:
            run.note()
            if leave:
                run.loops.pop(again, None)
                return after
            return again

        return jump


def _parse_loop(reader: ActionReader) -> Loop:
    return Loop(reader.target("currentIndex", INT), reader.given("loopCount", INT, required=True))


def _parse_jump(reader: ActionReader) -> LoopJump:
    if not reader.in_loop:
        raise FlowSyntaxError(
            f"{reader.what()} stands outside of any loop",
            span=reader.fields.span,
            hint="Move it into the `loop` path of a loop.",
        )
    return LoopJump(reader.key == "loopExit")


KINDS: Final = {
    "loop": Kind(_parse_loop, ("currentIndex", "loopCount"), ("loop",)),
    "loopNext": Kind(_parse_jump),
    "loopExit": Kind(_parse_jump),
}
