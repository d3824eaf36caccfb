"""A world for exploring: every answer is chosen by a gene, and every choice is kept so that it can be repeated."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect import effects as fx
from flowlaunch.architect.actions.bindings import Binding
from flowlaunch.architect.actions.call_data import CallData, CallTable
from flowlaunch.architect.actions.conversation import GetAttributes
from flowlaunch.architect.actions.lookups import Find, FindRow
from flowlaunch.architect.actions.perform import Performed
from flowlaunch.architect.coverage import paths_of
from flowlaunch.architect.stubs.answers import answer_of
from flowlaunch.architect.stubs.model import Ending
from flowlaunch.architect.stubs.runner import DEFAULT_NOW
from flowlaunch.architect.values import NOT_SET, NetworkObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from flowlaunch.architect.effects import Answer, Effect
    from flowlaunch.architect.explore.domains import Domains
    from flowlaunch.architect.flow import Action, Flow
    from flowlaunch.architect.values import NotSet

__all__ = ["Chosen", "ExploringWorld"]

_MAX_TURNS: Final = 5
"""Calls of one action beyond this many repeat the answer of the last one."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One effect and how it was answered."""

    effect: Effect
    ending: Ending


@dataclass(slots=True)
class ExploringWorld:
    """Host and answerer of one exploring run; `pick` gives the gene of a key."""

    flows: dict[str, Flow]
    modules: Mapping[str, Flow]
    domains: Domains
    pick: Callable[[tuple[Any, ...]], int]
    chosen: list[Chosen] = field(default_factory=list)
    time: datetime = DEFAULT_NOW
    _actions: dict[str, tuple[Action, ...]] = field(default_factory=dict)
    _turns: dict[tuple[str, int], int] = field(default_factory=dict)

    def now(self) -> datetime:
        """Give the run's time."""
        return self.time

    def random(self) -> float:
        """Choose a number at the edges of chance or between them."""
        return (0.0, 0.5, 0.999)[self.pick(("random",)) % 3]

    def find(self, kind: str, key: str, by: str) -> NetworkObject | NotSet:
        """Find a thing of that name, or none."""
        if self.pick(("find", kind, key)) % 2:
            return NOT_SET
        return NetworkObject(kind, key if by == "id" else f"{kind}-{key}", key, {"username": key, "email": key})

    def answer(self, effect: Effect) -> Answer:
        """Choose an answer and keep it."""
        ending = self._ending(effect)
        if isinstance(effect, fx.Wait):
            self.time += timedelta(seconds=max(0.0, effect.duration_s))
        if not isinstance(effect, fx.FindModule | fx.Wait):
            self.chosen.append(Chosen(effect, ending))
        return answer_of(effect, ending)

    def _ending(self, effect: Effect) -> Ending:
        if isinstance(effect, fx.FindModule):
            module = self.modules.get(effect.name.casefold())
            if module is None:
                return Ending("notFound")
            self.flows[module.name] = module
            return Ending("found", module)
        if isinstance(effect, fx.Wait):
            return Ending("success")
        action = self._action(effect)
        place = (effect.ref.flow, effect.ref.number)
        turn = self._turns[place] = self._turns.get(place, -1) + 1
        gene = (*place, min(turn, _MAX_TURNS))
        paths = paths_of(action) or ("success",)
        path = paths[self.pick(gene) % len(paths)]
        return Ending(path, self._body(action, effect, path, gene))

    def _action(self, effect: Effect) -> Action:
        name = effect.ref.flow
        if name not in self._actions:
            self._actions[name] = tuple(sorted(self.flows[name].actions(), key=lambda action: action.ref.number))
        return self._actions[name][effect.ref.number]

    def _body(self, action: Action, effect: Effect, path: str, gene: tuple[Any, ...]) -> Any:
        """Make outputs for the variables bound on a path."""
        spec = action.spec
        match spec:
            case CallData():
                return self._outputs(
                    spec.success if path == "success" else spec.failure if path == "failure" else (), gene
                )
            case CallTable() | FindRow():
                return self._outputs(spec.found if path == "found" else spec.failure if path == "failure" else (), gene)
            case GetAttributes() if path == "found" and isinstance(effect, fx.ReadConversation):
                targets = (target for _, target in spec.attributes)
                pairs = zip(effect.names, targets, strict=False)
                return {
                    name: value
                    for name, target in pairs
                    if target is not None and isinstance(value := self._one(Binding(name, target), gene), str)
                }
            case Find() if path == "found":
                return self._thing(spec, effect)
            case Performed():
                return self._outputs(spec.failure if path == "failure" else spec.results, gene)
            case _:
                return None

    def _thing(self, spec: Find, effect: Effect) -> Any:
        key = effect.key if isinstance(effect, fx.Lookup) and isinstance(effect.key, str) else "thing-1"
        row: dict[str, Any] = {"id": key, "name": key, "username": key, "email": key}
        if spec.result is not None:
            row |= {path[0]: values[0] for path, values in self.domains.leaves(spec.result.key).items() if values}
        return [row] if spec.many else row

    def _outputs(self, bindings: Iterable[Binding], gene: tuple[Any, ...]) -> dict[str, Any]:
        return {binding.name: self._one(binding, gene) for binding in bindings}

    def _one(self, binding: Binding, gene: tuple[Any, ...]) -> Any:
        target = binding.target
        return self.domains.choose(target.key, target.type, self.pick, (*gene, binding.name))
