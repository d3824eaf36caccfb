"""Questions to the ledger go in groups: many at once cost one transaction, and each gets its own answer."""

import asyncio
import threading

import pytest

from flowlaunch.gateway.launches.grouping import Groups


class Ledger:
    """Answers a number by its double, once it may; remembers the groups that it was asked."""

    def __init__(self):
        self.groups = []
        self.may_answer = threading.Event()

    def double(self, numbers):
        self.groups.append(list(numbers))
        assert self.may_answer.wait(60)
        if -1 in numbers:
            raise ValueError("no number")
        return [2 * number for number in numbers]


@pytest.fixture
async def asked():
    ledger, heard = Ledger(), []
    groups = Groups(ledger.double, heard.append)
    yield ledger, groups, heard
    ledger.may_answer.set()
    await groups.close()


async def begun(groups, numbers):
    """Ask for numbers at once, and return when the first group is at work."""
    tasks = [asyncio.create_task(groups.ask(number)) for number in numbers]
    await asyncio.sleep(0)
    return tasks


async def test_what_comes_while_a_group_is_at_work_is_one_group(asked):
    """However many ask meanwhile, the ledger is asked once more, and everybody gets the answer to his own question."""
    ledger, groups, heard = asked
    first = await begun(groups, [1])
    others = await begun(groups, range(2, 60))
    ledger.may_answer.set()

    answers = await asyncio.gather(*first, *others)

    assert answers == [2 * number for number in range(1, 60)]
    assert len(ledger.groups) <= 2
    assert [number for group in heard for number in group] == list(range(1, 60))


async def test_a_group_that_fails_fails_for_each_of_it_and_for_nobody_else(asked):
    """An error reaches everybody whose question was in the group; the next group is answered."""
    ledger, groups, heard = asked
    failing = await begun(groups, [12, -1])
    ledger.may_answer.set()

    found = await asyncio.gather(*failing, return_exceptions=True)

    assert [str(one) for one in found] == ["no number", "no number"]
    assert await groups.ask(14) == 28
    assert heard == [[14]]


async def test_who_hangs_up_holds_nobody_up(asked):
    """A question whose asker is gone is answered to nobody; the others of its group get theirs."""
    ledger, groups, _heard = asked
    gone, waiting = await begun(groups, [1, 2])
    gone.cancel()
    ledger.may_answer.set()

    assert await waiting == 4
    assert gone.cancelled()
