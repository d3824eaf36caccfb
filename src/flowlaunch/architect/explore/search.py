"""Searching for runs that take new paths: inputs and answers are genes, and what takes a new path is bred from."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.coverage import Coverage, FlowCoverage, counts_of
from flowlaunch.architect.explore.domains import Domains
from flowlaunch.architect.explore.world import Chosen, ExploringWorld
from flowlaunch.architect.interpret import RunResult, drive, run
from flowlaunch.errors import FlowTypeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.flow import Flow

__all__ = ["Explored", "ExploredRun", "explore"]

MAX_RUNS: Final = 6_000
PATIENCE: Final = 1_500
"""Runs without a new path after which the search gives up."""

_MASK: Final = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class ExploredRun:
    """A run that took something new.

    Attributes:
        inputs: what the flow was given.
        chosen: how each effect was answered, in order.
        news: (flow, action number, path) that no earlier run took.

    """

    inputs: Mapping[str, Any]
    chosen: tuple[Chosen, ...]
    result: RunResult
    news: frozenset[tuple[str, int, str | None]]


@dataclass(frozen=True, slots=True)
class Explored:
    """What a search found.

    Attributes:
        runs: those that took something new, in the order found.
        tried: how many runs were made.
        ends: how many ended as each status.

    """

    flow: Flow
    runs: tuple[ExploredRun, ...]
    coverage: FlowCoverage
    tried: int
    ends: Mapping[str, int]


class _Dice:
    """A series of numbers that is the same every time (splitmix64)."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def roll(self, sides: int) -> int:
        """Give a number of at least 0 and below `sides`."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return (mixed ^ (mixed >> 31)) % sides


@dataclass(slots=True)
class _Genome:
    """Genes by key; one that is asked for and missing is rolled."""

    genes: dict[tuple[Any, ...], int]
    dice: _Dice
    used: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def pick(self, key: tuple[Any, ...]) -> int:
        """Give a gene and remember that it matters."""
        if key not in self.used:
            self.used[key] = self.genes[key] if key in self.genes else self.dice.roll(1 << 30)
        return self.used[key]


def explore(
    flow: Flow, *, modules: Mapping[str, Flow] | None = None, seed: int = 1, max_runs: int = MAX_RUNS
) -> Explored:
    """Look for runs that take every path of a flow which inputs and answers can reach.

    The search is the same every time. It stops when every path was taken, or when nothing new was found for long.
    """
    return _Search(flow, modules or {}, _Dice(seed)).go(max_runs)


class _Search:
    """One search."""

    def __init__(self, flow: Flow, modules: Mapping[str, Flow], dice: _Dice) -> None:
        self.flow = flow
        self.modules = modules
        self.dice = dice
        self.domains = Domains.of((flow, *modules.values()))
        self.coverage = Coverage()
        self.coverage.know(flow)
        self.seen: set[tuple[str, int, str | None]] = set()
        self.corpus: list[dict[tuple[Any, ...], int]] = []
        self.runs: list[ExploredRun] = []
        self.ends: dict[str, int] = {}

    def go(self, max_runs: int) -> Explored:
        tried, last_news = 0, 0
        while tried < max_runs and tried - last_news < PATIENCE:
            tried += 1
            if self._try(self._genome(tried)):
                last_news = tried
                if not self.coverage.of(self.flow).missing():
                    break
        return Explored(self.flow, tuple(self.runs), self.coverage.of(self.flow), tried, self.ends)

    def _genome(self, number: int) -> _Genome:
        """Begin with the first choice everywhere, then vary what was worth keeping, now and then start anew."""
        if number == 1:
            return _Genome({}, _Still())
        if not self.corpus or self.dice.roll(5) == 0:
            return _Genome({}, self.dice)
        # the newest are the deepest: prefer them
        depth = min(self.dice.roll(len(self.corpus)), self.dice.roll(len(self.corpus)))
        genes = dict(self.corpus[-1 - depth])
        keys = list(genes)
        for _ in range(1 + self.dice.roll(3)):
            if keys:
                genes[keys[self.dice.roll(len(keys))]] = self.dice.roll(1 << 30)
        return _Genome(genes, self.dice)

    def _inputs(self, genome: _Genome) -> dict[str, Any]:
        return {
            variable.name: self.domains.choose(variable.name, variable.type, genome.pick, ("input", variable.name))
            for variable in self.flow.inputs
        }

    def _try(self, genome: _Genome) -> bool:
        inputs = self._inputs(genome)
        world = ExploringWorld({self.flow.name: self.flow}, self.modules, self.domains, genome.pick)
        try:
            steps = run(self.flow, inputs, world)
        except FlowTypeError:
            return False
        with closing(steps):
            result = drive(steps, world.answer)
        self.ends[result.status] = self.ends.get(result.status, 0) + 1
        counts = counts_of(result.trace)
        news = frozenset(counts.keys() - self.seen)
        if not news:
            return False
        self.seen |= news
        self.corpus.append(genome.used)
        self.coverage.add_counts(counts)
        self.runs.append(ExploredRun(inputs, tuple(world.chosen), result, news))
        return True


class _Still(_Dice):
    """Dice that always show the first side."""

    def __init__(self) -> None:
        super().__init__(0)

    def roll(self, sides: int) -> int:
        """Give 0."""
        del sides
        return 0
