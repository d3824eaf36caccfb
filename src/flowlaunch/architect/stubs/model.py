"""What a stub file says: how the world outside answers the actions of a flow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from flowlaunch.architect.stubs.conditions import Condition, glob_holds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["ActionStub", "DataActionStub", "DecisionRow", "Ending", "Module", "StubTable", "Stubs"]


@dataclass(frozen=True, slots=True)
class Ending:
    """One way in which an action ends.

    Attributes:
        path: output path: `success`, `failure`, `timeout`, `found`, `notFound` or any other of the action.
        body: outputs, failure fields or the thing found; texts may hold templates.
        delay_s: time that passes first.

    """

    path: str
    body: Any = None
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Series:
    """Endings in order of the calls.

    Attributes:
        after: what a call beyond the last ending gets: the `last` again, the first again (`cycle`), or an `error`.
        place: where it is written.

    """

    endings: tuple[Ending, ...]
    after: Literal["last", "cycle", "error"] = "last"
    place: str = ""

    def ending(self, number: int) -> Ending | None:
        """Give the ending of the call with that number, from 0; None when there are no more."""
        if number < len(self.endings):
            return self.endings[number]
        if self.after == "error":
            return None
        return self.endings[-1] if self.after == "last" else self.endings[number % len(self.endings)]


@dataclass(frozen=True, slots=True)
class DataActionStub(_Series):
    """How a data action answers; names may hold `*` and `?`, inputs must all fit, `where` must be true."""

    category: str = "*"
    action: str = "*"
    inputs: Mapping[str, Condition] = field(default_factory=dict)
    where: str = ""

    def names(self, category: str, action: str) -> bool:
        """Tell whether it is about that data action."""
        return glob_holds(self.action, action) and glob_holds(self.category, category)


@dataclass(frozen=True, slots=True)
class ActionStub(_Series):
    """How one action of the flow ends, whatever it asks for: chosen by kind and name, which may hold `*` and `?`."""

    key: str = "*"
    name: str = "*"
    flow: str = "*"


@dataclass(frozen=True, slots=True)
class StubTable:
    """A data table: rows by key; `is_text` when its cells came from CSV and take the type of what they fill."""

    key: str
    rows: Mapping[str, Mapping[str, Any]]
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A row of a decision table: the first whose conditions hold gives its outputs."""

    inputs: Mapping[str, Condition]
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Module:
    """A common module: the file that holds it, with its text, or how it ends without being run."""

    file: str = ""
    text: str = ""
    ending: Ending | None = None


@dataclass(frozen=True, slots=True)
class Stubs:
    """Every answer of one or more stub files.

    Attributes:
        actions: answers to actions by kind and name; they come before everything else.
        data_actions: answers of data actions, first match wins.
        kinds: kind of network object (`queue`, `user`, `externalContact`...) -> rows with `id`, `name`...; a kind
            that is not listed is unknown, one with no rows has nothing to find.
        conversations: (conversation id, participant id or "") -> attributes; None: nothing is said about any.
        modules: common modules by name.
        now: when runs begin; None leaves it to the runner.
        random: numbers that `Random()` gives, in turn; without any they come from a fixed series.

    """

    actions: tuple[ActionStub, ...] = ()
    data_actions: tuple[DataActionStub, ...] = ()
    tables: Mapping[str, StubTable] = field(default_factory=dict)
    decision_tables: Mapping[str, tuple[DecisionRow, ...]] = field(default_factory=dict)
    kinds: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    schedules: Mapping[str, str] = field(default_factory=dict)
    conversations: Mapping[tuple[str, str], Mapping[str, str]] | None = None
    modules: Mapping[str, Module] = field(default_factory=dict)
    now: datetime | None = None
    random: tuple[float, ...] = ()

    def over(self, base: Stubs) -> Stubs:
        """Put these stubs before those of `base`: lists go first, named things replace those of the same name."""
        conversations = (
            self.conversations
            if base.conversations is None
            else base.conversations
            if self.conversations is None
            else {**base.conversations, **self.conversations}
        )
        return replace(
            self,
            actions=self.actions + base.actions,
            data_actions=self.data_actions + base.data_actions,
            tables={**base.tables, **self.tables},
            decision_tables={**base.decision_tables, **self.decision_tables},
            kinds=_joined(self.kinds, base.kinds),
            schedules={**base.schedules, **self.schedules},
            conversations=conversations,
            modules={**base.modules, **self.modules},
            now=self.now or base.now,
            random=self.random or base.random,
        )


def _joined(
    first: Mapping[str, tuple[Mapping[str, Any], ...]], base: Mapping[str, tuple[Mapping[str, Any], ...]]
) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """Put rows before rows; an empty list is an answer too, and hides those of the base."""
    return {
        kind: first[kind] + base.get(kind, ()) if first.get(kind) else first.get(kind, base.get(kind, ()))
        for kind in (*base, *(kind for kind in first if kind not in base))
    }
