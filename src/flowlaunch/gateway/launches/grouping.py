"""Ask in groups: what came in while the database was busy is asked together, and answered each by itself.

One group is at work while the next one gathers, so that under load one transaction serves many and alone nobody waits
for another.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from flowlaunch.batch.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Groups"]

MOST_IN_GROUP: Final = 500
Q = TypeVar("Q")
A = TypeVar("A")


class Groups(Generic[Q, A]):
    """Answers questions by groups, in a thread of its own.

    Args:
        answer: answers a group, in its order.
        on_answered: hears of each group that was answered, in the event loop.

    """

    def __init__(
        self, answer: Callable[[list[Q]], Sequence[A]], on_answered: Callable[[list[Q]], None] | None = None
    ) -> None:
        self._answer, self._on_answered = answer, on_answered
        self._writer = Writer()
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many wait for the next group."""
        return len(self._waiting)

    async def ask(self, question: Q) -> A:
        """Return the answer; raises what the group's answering raised."""
        answered: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answered))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer_all())
        return await answered

    async def close(self) -> None:
        """Answer what is waiting, then end the thread."""
        while self._task is not None:
            await asyncio.wait([self._task])
        await asyncio.to_thread(self._writer.close)

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MOST_IN_GROUP], self._waiting[MOST_IN_GROUP:]
                await self._answer_group(group)
        finally:
            self._task = None

    async def _answer_group(self, group: list[tuple[Q, asyncio.Future[A]]]) -> None:
        questions = [question for question, _answered in group]
        try:
            answers = await self._writer.call(self._answer, questions)
        except Exception as error:  # noqa: BLE001 - everybody who waits hears of it, each by itself
            for _question, answered in group:
                if not answered.done():
                    answered.set_exception(error)
            return
        for (_question, answered), answer in zip(group, answers, strict=True):
            if not answered.done():  # whoever asked may have hung up; it is done all the same
                answered.set_result(answer)
        if self._on_answered is not None:
            self._on_answered(questions)
