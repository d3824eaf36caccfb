"""For every rule a flow that it finds something in, and one that differs in just that."""

# ruff: noqa: E501 - a row of the table is one flow

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lint_world import END, READ, SET, TEXT, workflow

from flowlaunch.architect.lint import read_contract
from flowlaunch.architect.load import load_flow


@dataclass(frozen=True)
class Case:
    """One rule with a bad and a good flow, and how to lint them."""

    bad: str
    good: str
    options: dict[str, Any] = field(default_factory=dict)


CONTRACT = read_contract(
    {
        "name": "Find order",
        "contract": {
            "input": {
                "inputSchema": {
                    "type": "object",
                    "properties": {"orderId": {"type": "string"}, "region": {"type": "string"}},
                    "required": ["orderId"],
                    "additionalProperties": False,
                }
            },
            "output": {
                "successSchema": {
                    "type": "object",
                    "properties": {
                        "status": {"type": "string"},
                        "user": {"type": "object", "properties": {"id": {"type": "string"}}},
                    },
                    "additionalProperties": False,
                }
            },
        },
    },
    "find-order.json",
)


def call(inputs: str = "orderId: {lit: '7'}", outputs: str = "", paths: str = "failure, timeout", **more: Any) -> str:
    """Give a flow that calls the data action `Find order`."""
    listed = "".join(
        f"        {path}: {{actions: [{{endWorkflow: {{name: On {path}}}}}]}}\n" for path in paths.split(", ") if path
    )
    return workflow(
        f"- callData:\n    name: Find\n    category: {{Orders: {{dataAction: {{Find order: {{inputs: {{{inputs}}}, "
        f"successOutputs: {{{outputs}}}}}}}}}}}\n"
        + (f"    outputs:\n{listed}" if listed else "")
        + "- endWorkflow: {name: End, exitReason: {exp: Flow.text}}",
        variables=more.pop("variables", TEXT),
        **more,
    )


def decision(condition: str, yes: str = END, no: str = END) -> str:
    """Give a decision."""
    return f"- decision:\n    name: Is it\n    condition: {{exp: '{condition}'}}\n    outputs:\n      yes: {{actions: [{yes[2:]}]}}\n      no: {{actions: [{no[2:]}]}}"


def loop(count: str, body: str = SET) -> str:
    """Give a loop, and what ends the flow behind it."""
    return f"- loop:\n    name: Each\n    loopCount: {count}\n    outputs: {{loop: {{actions: [{body[2:]}]}}}}\n{READ}"


def states(*bodies: str) -> str:
    """Give further states s1, s2 and so on."""
    return "\n".join(
        f"- state:\n    name: S{number}\n    refId: s{number}\n    actions:\n"
        + "".join(f"      {line}\n" for line in body.splitlines())
        for number, body in enumerate(bodies, 1)
    )


def tasks(*bodies: str) -> str:
    """Give tasks t1, t2 and so on."""
    return states(*bodies).replace("state:", "task:").replace("name: S", "name: T").replace("refId: s", "refId: t")


def goto(ref: str) -> str:
    return f"- changeState: {{name: Go to {ref}, targetStateRef: '/workflow/states/state[{ref}]'}}"


def run_task(ref: str, outputs: str = "") -> str:
    return f"- callTask: {{name: Run {ref}, targetTaskRef: '/workflow/tasks/task[{ref}]'{outputs}}}"


def var(kind: str, name: str, initial: str = "noValue: true", more: str = "") -> str:
    return f"- {kind}Variable: {{name: {name}, initialValue: {{{initial}}}{more}}}"


def statement(kind: str, name: str, value: str) -> str:
    return f"- updateData: {{name: Set, statements: [{{{kind}: {{variable: {name}, value: {value}}}}}]}}"


WAIT = "- wait: {name: Pause, duration: {lit: {seconds: 5}}}"
JSN = var("json", "Flow.doc", "noValue: true", ", isInput: true")
UNSET_TEXT = var("string", "Flow.text")
INPUT_TEXT = var("string", "Flow.text", "noValue: true", ", isInput: true")
OUTPUT_TEXT = var("string", "Flow.text", "noValue: true", ", isOutput: true")


def switch(cases: str, default: str = "default: {actions: [{endWorkflow: {name: Else}}]}") -> str:
    tail = f", {default}" if default else ""
    return f"- switch: {{name: Which, evaluate: {{firstMatch: {{string: {{value: {{exp: Flow.text}}, cases: [{cases}]{tail}}}}}}}}}\n{END}"


def case(value: str) -> str:
    return f"{{case: {{value: {value}, actions: [{{endWorkflow: {{name: Stop}}}}]}}}}"


GOOD_CALL = call()
MODULE_TEXT = """\
commonModule:
  name: Greet
  variables:
    - stringVariable: {name: Common.name, initialValue: {noValue: true}, isInput: true}
    - stringVariable: {name: Common.result, initialValue: {noValue: true}, isOutput: true}
  startUpTaskActions:
    - updateData: {name: Set, statements: [{string: {variable: Common.result, value: {exp: Common.name}}}]}
    - endTask: {name: Done}
"""
MODULE = load_flow(MODULE_TEXT, name="greet.yaml")


def call_module(inputs: str = "", outputs: str = "") -> str:
    """Give a flow that calls the common module `Greet`."""
    body = f"ver_latestPublished: {{inputs: {{{inputs}}}, outputs: {{{outputs}}}}}"
    return workflow(f"- callCommonModule: {{name: Call, commonModule: {{Greet: {{{body}}}}}}}\n{READ}", variables=TEXT)


FLAG = var("boolean", "Flow.flag", "noValue: true", ", isInput: true")

CASES: dict[str, Case] = {
    "FL001": Case(workflow("- wait: {name: Pause}\n" + END), workflow(WAIT + "\n" + END)),
    "FL002": Case(workflow("- endWorkflow: {name: End, exitReason: {exp: Flow.txet}}", variables=TEXT), workflow(READ, variables=TEXT)),
    "FL003": Case(workflow("- endWorkflow: {name: End, exitReason: {exp: 'Left(5, 1)'}}"), workflow("- endWorkflow: {name: End, exitReason: {exp: 'Left(\"5\", 1)'}}")),
    "FL004": Case(workflow("- holdMusic: {name: Hold}\n" + END), workflow(WAIT + "\n" + END)),
    "FL005": Case(workflow(END).replace("Under test", "'{{flow_name}}'"), workflow(END)),
    "FL006": Case(workflow(END + "  # flowlaunch: ignore FL999"), workflow(END)),
    "FL007": Case(workflow(END + "  # flowlaunch: ignore FL101"), workflow(END + "\n" + END + "  # flowlaunch: ignore FL101")),
    "FL008": Case(workflow("- wiat: {name: Pause}\n" + END), workflow(WAIT + "\n" + END)),
    "FL009": Case(workflow(goto("s1"), states=states(END, END).replace("s2", "s1")), workflow(goto("s1"), states=states(END))),
    "FL010": Case(workflow("- playAudio: {name: Say, audio: {tts: Hello}}\n" + END), workflow(WAIT + "\n" + END)),
    "FL101": Case(workflow(END + "\n" + WAIT), workflow(WAIT + "\n" + END)),
    "FL102": Case(workflow(END, states=states(END)), workflow(goto("s1"), states=states(END))),
    "FL103": Case(workflow(END, tasks=tasks(WAIT)), workflow(run_task("t1") + "\n" + END, tasks=tasks(WAIT))),
    "FL104": Case(workflow(WAIT), workflow(WAIT + "\n" + END)),
    "FL105": Case(workflow(goto("s1"), states=states(goto("s1"))), workflow(goto("s1"), states=states(END))),
    "FL106": Case(
        workflow(goto("s1"), variables=FLAG, states=states(decision("Flow.flag", goto("s1"), END))),
        workflow(goto("s1"), variables=FLAG, states=states(WAIT + "\n" + decision("Flow.flag", goto("s1"), END))),
    ),
    "FL107": Case(
        workflow(goto("s1"), states=states(WAIT + "\n" + goto("s1"))),
        workflow(goto("s1"), states=states(WAIT + "\n" + END)),
    ),
    "FL108": Case(
        workflow(run_task("t1") + "\n" + END, variables=FLAG, tasks=tasks(decision("Flow.flag", run_task("t1"), WAIT))),
        workflow(run_task("t1") + "\n" + END, tasks=tasks(run_task("t2"), WAIT)),
    ),
    "FL110": Case(workflow(loop("{lit: 0}"), variables=TEXT), workflow(loop("{lit: 3}"), variables=TEXT)),
    "FL111": Case(workflow(loop("{lit: 20000}"), variables=TEXT), workflow(loop("{lit: 200}"), variables=TEXT)),
    "FL112": Case(
        workflow(loop("{lit: 20000}", decision("Flow.flag", "- loopExit: {name: Out}", WAIT).replace("- decision:\n    name: Is it\n    condition: ", "- decision: {name: Is it, condition: ").replace("\n    outputs:\n      yes:", ", outputs: {yes:").replace("\n      no:", ", no:") + "}}"), variables=TEXT + "\n" + FLAG),
        workflow(loop("{lit: 20}"), variables=TEXT),
    ),
    "FL113": Case(workflow(loop("{lit: 3}", "- loopExit: {name: Out}"), variables=TEXT), workflow(loop("{lit: 3}"), variables=TEXT)),
    "FL114": Case(workflow("- wait: {name: Pause, duration: {exp: 'ToDuration(-5)'}}\n" + END), workflow(WAIT + "\n" + END)),
    "FL115": Case(workflow(decision("1 == 1")), workflow(decision("Flow.flag"), variables=FLAG)),
    "FL116": Case(
        workflow("- decision: {name: Is it, condition: {exp: Flow.flag}}\n" + END, variables=FLAG),
        workflow(decision("Flow.flag"), variables=FLAG),
    ),
    "FL117": Case(workflow(switch(case("{lit: a}"), ""), variables=TEXT), workflow(switch(case("{lit: a}")), variables=TEXT)),
    "FL118": Case(
        workflow(switch(case("{lit: a}") + ", " + case("{lit: a}")), variables=TEXT),
        workflow(switch(case("{lit: a}") + ", " + case("{lit: b}")), variables=TEXT),
    ),
    "FL119": Case(call(paths="timeout"), GOOD_CALL),
    "FL120": Case(call(paths="failure"), GOOD_CALL),
    "FL121": Case(
        workflow("- getExternalContact: {name: Get, externalId: {lit: x}}\n" + END),
        workflow("- getExternalContact: {name: Get, externalId: {lit: x}, outputs: {notFound: {actions: [{endWorkflow: {name: Gone}}]}}}\n" + END),
    ),
    "FL122": Case(
        workflow(run_task("t1", ", outputs: {Dnoe: {actions: [{endWorkflow: {name: A}}]}}") + "\n" + END, tasks=tasks("- endTask: {name: E, outputPath: {name: Done}}")),
        workflow(run_task("t1", ", outputs: {Done: {actions: [{endWorkflow: {name: A}}]}}") + "\n" + END, tasks=tasks("- endTask: {name: E, outputPath: {name: Done}}")),
    ),
    "FL123": Case(
        workflow(run_task("t1") + "\n" + END, tasks=tasks("- endTask: {name: E, outputPath: {name: Done}}")),
        workflow(run_task("t1") + "\n" + END, tasks=tasks("- endTask: {name: E, outputPath: {name: default}}")),
    ),
    "FL201": Case(workflow(END, variables=TEXT), workflow(READ, variables=TEXT)),
    "FL202": Case(workflow(SET + "\n" + END, variables=TEXT), workflow(SET + "\n" + READ, variables=TEXT)),
    "FL203": Case(workflow(END, variables=INPUT_TEXT), workflow(READ, variables=INPUT_TEXT)),
    "FL204": Case(workflow(END, variables=OUTPUT_TEXT), workflow(SET + "\n" + END, variables=OUTPUT_TEXT)),
    "FL205": Case(
        workflow(decision("Flow.flag", SET, END) + "\n" + END, variables=OUTPUT_TEXT + "\n" + FLAG),
        workflow(decision("Flow.flag", SET, SET) + "\n" + END, variables=OUTPUT_TEXT + "\n" + FLAG),
    ),
    "FL206": Case(
        workflow("- endWorkflow: {name: End, exitReason: {exp: 'Left(Flow.text, 2)'}}", variables=UNSET_TEXT),
        workflow("- endWorkflow: {name: End, exitReason: {exp: 'If(IsSet(Flow.text), Left(Flow.text, 2), \"\")'}}", variables=UNSET_TEXT),
    ),
    "FL207": Case(
        workflow(decision("Flow.flag", SET, WAIT) + "\n- endWorkflow: {name: End, exitReason: {exp: 'Left(Flow.text, 2)'}}", variables=UNSET_TEXT + "\n" + FLAG),
        workflow(decision("Flow.flag", SET, SET) + "\n- endWorkflow: {name: End, exitReason: {exp: 'Left(Flow.text, 2)'}}", variables=UNSET_TEXT + "\n" + FLAG),
    ),
    "FL208": Case(workflow(SET + "\n" + READ, variables=INPUT_TEXT), workflow(SET + "\n" + READ, variables=TEXT)),
    "FL209": Case(workflow(READ, variables=UNSET_TEXT), workflow(SET + "\n" + READ, variables=UNSET_TEXT)),
    "FL210": Case(
        workflow(statement("string", "Flow.text", "{exp: Flow.text}") + "\n" + READ, variables=TEXT),
        workflow(statement("string", "Flow.text", "{exp: 'Flow.text + \"x\"'}") + "\n" + READ, variables=TEXT),
    ),
    "FL211": Case(
        workflow("- endWorkflow: {name: End, exitReason: {exp: 'ToString(Flow.doc.userId) + ToString(Flow.doc.userid)'}}", variables=JSN),
        workflow("- endWorkflow: {name: End, exitReason: {exp: 'ToString(Flow.doc.userId) + ToString(Flow.doc.userId)'}}", variables=JSN),
    ),
    "FL212": Case(
        workflow(decision('Flow.text == "Yes"', WAIT, WAIT) + "\n" + decision('Flow.text == "yes"'), variables=TEXT),
        workflow(decision('Flow.text == "Yes" or Flow.text == "yes"'), variables=TEXT),
    ),
    "FL213": Case(workflow(READ.replace("Flow.text", "flow.Text"), variables=TEXT), workflow(READ, variables=TEXT)),
    "FL301": Case(call("orderID: {lit: '7'}, orderId: {lit: '7'}"), GOOD_CALL, {"contracts": [CONTRACT]}),
    "FL302": Case(call("region: {lit: EU}"), GOOD_CALL, {"contracts": [CONTRACT]}),
    "FL303": Case(call(outputs="User.id: {var: Flow.text}"), call(outputs="user.id: {var: Flow.text}"), {"contracts": [CONTRACT]}),
    "FL304": Case(GOOD_CALL.replace("Find order", "Find ordre"), GOOD_CALL, {"contracts": [CONTRACT]}),
    "FL305": Case(call_module("Common.Nmae: {lit: x}"), call_module("name: {lit: x}"), {"modules": [MODULE]}),
    "FL306": Case(call_module("", "Common.resutl: {var: Flow.text}"), call_module("", "Common.result: {var: Flow.text}"), {"modules": [MODULE]}),
}  # fmt: skip
