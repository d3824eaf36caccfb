"""A world for flows under test: a clock that stands still, a directory, and answers by script."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowlaunch.architect import effects as fx
from flowlaunch.architect.interpret import RunResult, drive, run
from flowlaunch.architect.load import load_flow
from flowlaunch.architect.templates import slot_names
from flowlaunch.architect.values import NOT_SET, NetworkObject, NotSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.architect.flow import Flow
    from flowlaunch.architect.rules import Rules

SHARED = Path(__file__).resolve().parents[3] / "shared"
SLOTS = {"external_contact_email_type": "workEmail"}
START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class World:
    """Answers effects from tables and keeps what was asked, in order."""

    answers: dict[str, Any] = field(default_factory=dict)
    modules: dict[str, Flow] = field(default_factory=dict)
    objects: dict[tuple[str, str], NetworkObject] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)
    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def random(self) -> float:
        return 0.5

    def find(self, kind: str, key: str, by: str) -> NetworkObject | NotSet:
        del by
        return self.objects.get((kind, key), NOT_SET)

    def answer(self, effect: Any) -> Any:
        self.asked.append(effect)
        if isinstance(effect, fx.Wait):
            self.time += timedelta(seconds=effect.duration_s)
        for key in (effect.ref.name, getattr(effect, "action", None), type(effect).__name__):
            if key in self.answers:
                given = self.answers[key]
                if isinstance(given, list):
                    given = given.pop(0) if len(given) > 1 else given[0]
                return given(effect) if callable(given) else given
        if isinstance(effect, fx.FindModule) and effect.name in self.modules:
            return fx.Found(self.modules[effect.name])
        default = DEFAULTS[type(effect)]
        return default(effect)

    def run(self, flow: Flow, inputs: dict[str, Any] | None = None, rules: Rules | None = None) -> RunResult:
        return drive(run(flow, inputs or {}, self, rules), self.answer)

    def count(self, kind: type) -> int:
        return sum(isinstance(effect, kind) for effect in self.asked)


DEFAULTS: dict[type, Callable[[Any], Any]] = {
    fx.CallDataAction: lambda _: fx.DataActionSuccess(),
    fx.CallDecisionTable: lambda _: fx.NotFound(),
    fx.Wait: lambda _: None,
    fx.TableLookup: lambda _: fx.NotFound(),
    fx.ReadConversation: lambda _: fx.Found({}),
    fx.WriteConversation: lambda _: fx.Done(),
    fx.Lookup: lambda _: fx.NotFound(),
    fx.EvaluateSchedule: lambda _: fx.ScheduleState("active"),
    fx.Notify: lambda _: fx.Done(),
    fx.FindModule: lambda _: fx.NotFound(),
    fx.Perform: lambda _: fx.Done(),
}


def shared_text(folder: str, name: str) -> str:
    import pytest

    path = SHARED / folder / name
    if not path.exists():
        pytest.skip("../shared is not beside this checkout")
    return path.read_text(encoding="utf-8")


def load_shared(name: str, folder: str = "flows") -> Flow:
    """Load a flow of ../shared; every slot is filled with its own name."""
    text = shared_text(folder, name)
    slots = {slot: SLOTS.get(slot, slot.replace("_", " ")) for slot in slot_names(text)} if folder == "flows" else {}
    return load_flow(text, name=name, slots=slots)


def flow_text(actions: str, variables: str = "", more: str = "", state_variables: str = "") -> str:
    """Write a workflow of one state around indented actions."""
    text = 'workflow:\n  name: Test flow\n  division: Home\n  startUpRef: "/workflow/states/state[Start_1]"\n'
    text += "  variables:\n" + block(variables, 4) if variables else ""
    text += "  settingsErrorHandling:\n    errorHandling:\n      endWorkflow:\n        none: true\n"
    text += "  states:\n    - state:\n        name: Start\n        refId: Start_1\n"
    text += "        variables:\n" + block(state_variables, 10) if state_variables else ""
    return text + "        actions:\n" + block(actions, 10) + more


def block(text: str, indent: int) -> str:
    """Indent the lines of a text."""
    lines = text.strip("\n").splitlines()
    shift = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "".join(f"{' ' * indent}{line[shift:]}\n" for line in lines)


def load(actions: str, variables: str = "", more: str = "", state_variables: str = "", **options: Any) -> Flow:
    """Load a workflow of one state."""
    return load_flow(flow_text(actions, variables, more, state_variables), name="test.yaml", **options)


def variable(kind: str, name: str, initial: str = "noValue: true", *, flags: str = "") -> str:
    """Declare one variable; `flags` holds `i` for input, `o` for output."""
    return (
        f"- {kind}Variable:\n    name: {name}\n    initialValue:\n      {initial}\n"
        f"    isInput: {str('i' in flags).lower()}\n    isOutput: {str('o' in flags).lower()}\n"
    )


OUT = variable("string", "Flow.log", 'lit: ""', flags="o")
"""The variable that `log` appends to."""


def assign(kind: str, name: str, value: str, indent: int = 0) -> str:
    """Write an updateData of one statement; `value` is like `lit: 1`."""
    statement = f"      - {kind}:\n          variable: {name}\n          value:\n            {value}\n"
    return block(f"- updateData:\n    name: set {name}\n    statements:\n{statement}", indent)


def log(text: str, indent: int = 0) -> str:
    """Write an action that appends a text to Flow.log."""
    return append(f'"{text}"', indent)


def append(expression: str, indent: int = 0) -> str:
    """Write an action that appends the value of an expression to Flow.log."""
    return assign("string", "Flow.log", f"exp: Append(Flow.log, {expression})", indent)


def run_actions(
    actions: str, variables: str = OUT, *, inputs: dict[str, Any] | None = None, **options: Any
) -> RunResult:
    """Load and run a workflow of one state; `world` and `rules` may be given."""
    rules, world = options.pop("rules", None), options.pop("world", None) or World()
    return world.run(load(actions, variables, **options), inputs, rules)


def logged(result: RunResult) -> str:
    """Give what the run logged."""
    text: str = result.outputs["Flow.log"]
    return text
