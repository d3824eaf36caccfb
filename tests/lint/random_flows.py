"""Random small workflows, and random worlds to run them in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flowlaunch.architect import effects as fx
from flowlaunch.architect.interpret import RunResult, drive, run
from flowlaunch.architect.standalone import StillHost

if TYPE_CHECKING:
    import random

    from flowlaunch.architect.flow import Flow

TEXTS = ("Flow.a", "Flow.b", "Flow.c")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Maker:
    """Writes one workflow; `chance` decides everything."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.count = 0
        self.tasks = chance.randint(0, 2)
        self.states = chance.randint(1, 3)

    def flow(self) -> str:
        start = {"noValue": True}
        variables: list[dict[str, Any]] = [
            {"stringVariable": {"name": name, "initialValue": self.chance.choice([start, start, {"lit": "x"}])}}
            for name in TEXTS
        ]
        variables[0]["stringVariable"]["isOutput"] = True
        variables += [
            {"booleanVariable": {"name": f"Flow.flag{n}", "initialValue": start, "isInput": True}} for n in range(3)
        ]
        states = [{"state": self.part("state", n)} for n in range(self.states)]
        tasks = [{"task": self.part("task", n)} for n in range(self.tasks)]
        body: dict[str, Any] = {
            "name": "Random", "startUpRef": "/workflow/states/state[state0]", "variables": variables,
            "states": states, "tasks": tasks,
        }  # fmt: skip
        return json.dumps({"workflow": body}, indent=1).replace('"workflow"', "workflow", 1).strip()

    def part(self, kind: str, number: int) -> dict[str, Any]:
        return {"name": f"{kind}{number}", "refId": f"{kind}{number}", "actions": self.actions(kind, 0, in_loop=False)}

    def actions(self, kind: str, depth: int, *, in_loop: bool) -> list[dict[str, Any]]:
        return [self.action(kind, depth, in_loop=in_loop) for _ in range(self.chance.randint(1, 4 - depth))]

    def action(self, kind: str, depth: int, *, in_loop: bool) -> dict[str, Any]:
        makers = [self.update, self.update, self.use, self.call_task]
        if depth < 3:
            makers += [self.decision, self.decision, self.call, self.loop, self.switch]
        makers += [self.end, self.jump] if self.chance.random() < 0.5 else []
        makers += [self.loop_jump] if in_loop else []
        self.count += 1
        key, fields = self.chance.choice(makers)(kind, depth, in_loop)
        return {key: {"name": f"A{self.count}", **fields}}

    def text(self) -> str:
        """Give an expression that is never NOT_SET in an illegal place by itself, or a variable."""
        one, other = self.chance.sample(TEXTS, 2)
        return self.chance.choice(
            [one, one, "NOT_SET", '"x"', f'If(IsSet({one}), {one}, "y")', f"If(Flow.flag0, {one}, {other})"]
        )

    def condition(self) -> str:
        one = self.chance.choice(TEXTS)
        return self.chance.choice(
            ["Flow.flag0", "Flow.flag1", "!Flow.flag2", f"IsSet({one})", f"IsNotSetOrEmpty({one})", f"{one} == NOT_SET",
             f"{one} != NOT_SET and Flow.flag1", f'{one} == "x"', f'!IsSet({one}) or Left({one}, 1) == "x"',
             f'IsSet({one}) and Left({one}, 1) == "x"']
        )  # fmt: skip

    def update(self, _kind: str, _depth: int, _in_loop: bool) -> tuple[str, dict[str, Any]]:
        pairs = [(self.chance.choice(TEXTS), self.text()) for _ in range(self.chance.randint(1, 2))]
        return "updateData", {"statements": [{"string": {"variable": v, "value": {"exp": e}}} for v, e in pairs]}

    def use(self, _kind: str, _depth: int, _in_loop: bool) -> tuple[str, dict[str, Any]]:
        name = self.chance.choice(TEXTS)
        return "updateData", {"statements": [{"string": {"variable": name, "value": {"exp": f"Left({name}, 1)"}}}]}

    def decision(self, kind: str, depth: int, in_loop: bool) -> tuple[str, dict[str, Any]]:
        paths = [path for path in ("yes", "no") if self.chance.random() < 0.7]
        outputs = {path: {"actions": self.actions(kind, depth + 1, in_loop=in_loop)} for path in paths}
        return "decision", {"condition": {"exp": self.condition()}, "outputs": outputs}

    def switch(self, kind: str, depth: int, in_loop: bool) -> tuple[str, dict[str, Any]]:
        cases = [
            {"case": {"value": {"exp": self.condition()}, "actions": self.actions(kind, depth + 1, in_loop=in_loop)}}
            for _ in range(2)
        ]
        return "switch", {"evaluate": {"firstTrue": {"cases": cases}}}

    def call(self, kind: str, depth: int, in_loop: bool) -> tuple[str, dict[str, Any]]:
        paths = [path for path in ("success", "failure", "timeout") if self.chance.random() < 0.5]
        outputs = {path: {"actions": self.actions(kind, depth + 1, in_loop=in_loop)} for path in paths}
        bound = {"status": {"var": self.chance.choice(TEXTS)}}
        category = {"C": {"dataAction": {"D": {"inputs": {}, "successOutputs": bound}}}}
        return "callData", {"category": category, "outputs": outputs}

    def loop(self, kind: str, depth: int, _in_loop: bool) -> tuple[str, dict[str, Any]]:
        body = {"loop": {"actions": self.actions(kind, depth + 1, in_loop=True)}}
        return "loop", {"loopCount": {"lit": self.chance.randint(0, 3)}, "outputs": body}

    def loop_jump(self, _kind: str, _depth: int, _in_loop: bool) -> tuple[str, dict[str, Any]]:
        return self.chance.choice(["loopNext", "loopExit"]), {}

    def call_task(self, kind: str, depth: int, in_loop: bool) -> tuple[str, dict[str, Any]]:
        if not self.tasks:
            return self.update(kind, depth, in_loop)
        number = self.chance.randrange(self.tasks)
        outputs = {"Done": {"actions": self.actions(kind, 3, in_loop=in_loop)}} if depth < 2 else {}
        return "callTask", {"targetTaskRef": f"/workflow/tasks/task[task{number}]", "outputs": outputs}

    def end(self, kind: str, _depth: int, _in_loop: bool) -> tuple[str, dict[str, Any]]:
        if kind == "task" and self.chance.random() < 0.7:
            return "endTask", self.chance.choice([{}, {"outputPath": {"name": "Done"}}])
        return "endWorkflow", {}

    def jump(self, kind: str, depth: int, in_loop: bool) -> tuple[str, dict[str, Any]]:
        if kind == "task":
            return self.end(kind, depth, in_loop)
        return "changeState", {"targetStateRef": f"/workflow/states/state[state{self.chance.randrange(self.states)}]"}


def run_once(flow: Flow, chance: random.Random) -> RunResult:
    """Run a flow with random flags, each call of a data action ending by a random path."""

    def answer(effect: fx.Effect) -> fx.Answer:
        if isinstance(effect, fx.CallDataAction):
            kinds = [fx.DataActionSuccess({"status": "ok"}), fx.DataActionFailure({}), fx.DataActionTimeout()]
            return chance.choice(kinds)
        return None

    inputs = {f"Flow.flag{n}": chance.random() < 0.5 for n in range(3)}
    return drive(run(flow, inputs, StillHost(NOW)), answer)
