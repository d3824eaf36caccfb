"""Flows to draw: a small one with everything in it, and one of a hundred actions."""

# ruff: noqa: E501 - texts of flows

from __future__ import annotations

import functools
import textwrap
from pathlib import Path

from flowlaunch.architect.load import load_flow
from flowlaunch.architect.templates import slot_names

SMALL = """\
workflow:
  name: Order follow-up
  description: Looks an order up and writes to its customer.
  startUpRef: /workflow/states/state[main]
  defaultLanguage: en-us
  variables:
    - stringVariable: {name: Flow.orderId, initialValue: {noValue: true}, isInput: true}
    - stringVariable: {name: Flow.status, initialValue: {noValue: true}, isOutput: true}
    - integerVariable: {name: Flow.index, initialValue: {lit: 0}}
  states:
    - state:
        name: Main
        refId: main
        actions:
          - callData:
              name: Find order
              category: {Orders: {dataAction: {Find order: {inputs: {orderId: {exp: Flow.orderId}}, successOutputs: {status: {var: Flow.status}}}}}}
              outputs:
                success:
                  actions:
                    - switch:
                        name: What is it
                        evaluate:
                          firstMatch:
                            string:
                              value: {exp: Flow.status}
                              cases:
                                - case: {value: {lit: late}, actions: [{changeState: {name: Wait, targetStateRef: "/workflow/states/state[late]"}}]}
                                - case: {value: {lit: lost <&> "gone"}, actions: [{callTask: {name: Tell, targetTaskRef: "/workflow/tasks/task[tell]"}}]}
                timeout:
                  actions: [{endWorkflow: {name: Too slow, exitReason: {lit: timeout}}}]
          - decision:
              name: Is it done
              condition: {exp: 'Flow.status == "done"'}
              outputs: {yes: {actions: [{endWorkflow: {name: Done}}]}}
          - endWorkflow: {name: End}
    - state:
        name: Late
        refId: late
        actions:
          - loop:
              name: Try again
              currentIndex: {var: Flow.index}
              loopCount: {lit: 3}
              outputs:
                loop:
                  actions:
                    - wait: {name: Pause, duration: {lit: {minutes: 5}}}
                    - decision:
                        name: Enough
                        condition: {exp: Flow.index > 1}
                        outputs: {yes: {actions: [{loopExit: {name: Stop trying}}]}}
          - updateData:
              name: Give up
              statements:
                - string: {variable: Flow.status, value: {lit: late}}
  tasks:
    - task:
        name: Tell
        refId: tell
        actions:
          - updateData:
              name: Prepare
              statements:
                - string: {variable: Flow.status, value: {exp: 'Append("told about ", Flow.status)'}}
"""


def small():
    """Load the small flow."""
    return load_flow(SMALL, name="small.yaml")


def large(actions: int = 100):
    """Load a flow with at least so many actions, nested six deep, in several states and tasks."""
    states = [_part("state", number, number + 1 if number < 4 else 1) for number in range(1, 5)]
    tasks = [_part("task", number, 0) for number in range(1, 3)]
    text = "\n".join(
        [
            "workflow:\n  name: A large flow with a rather long name for its size\n  defaultLanguage: en-us",
            "  startUpRef: /workflow/states/state[state1]\n  variables:",
            "    - stringVariable: {name: Flow.customerName, initialValue: {noValue: true}, isInput: true}",
            "    - integerVariable: {name: Flow.count, initialValue: {lit: 0}}",
            "  states:", *states, "  tasks:", *tasks,
        ]
    )  # fmt: skip
    flow = load_flow(text + "\n", name="large.yaml")
    if len(list(flow.actions())) < actions:
        raise AssertionError(len(list(flow.actions())))
    return flow


def _part(kind, number, following):
    goes = (
        f"- changeState: {{name: Go on, targetStateRef: '/workflow/states/state[state{following}]'}}"
        if following > 1
        else "- endWorkflow: {name: All done, exitReason: {lit: finished}}"
        if kind == "state"
        else "- endTask: {name: Back}"
    )
    body = f"""\
- updateData:
    name: Prepare {number}
    statements:
      - string: {{variable: Flow.customerName, value: {{exp: 'Append(Flow.customerName, " and a long text that does not fit")'}}}}
      - integer: {{variable: Flow.count, value: {{exp: Flow.count + 1}}}}
      - integer: {{variable: Flow.count, value: {{exp: Flow.count * 2}}}}
      - integer: {{variable: Flow.count, value: {{exp: Flow.count - 1}}}}
      - integer: {{variable: Flow.count, value: {{exp: Flow.count + 5}}}}
- callData:
    name: Fetch the customer's record from the system {number}
    category: {{CRM: {{dataAction: {{Get customer: {{inputs: {{name: {{exp: Flow.customerName}}}}}}}}}}}}
    outputs:
      success:
        actions:
          - decision:
              name: Is the customer known
              condition: {{exp: 'Contains(Flow.customerName, "x") or Length(Flow.customerName) > 5 or Flow.count == 7'}}
              outputs:
                yes:
                  actions:
                    - loop:
                        name: For each order
                        loopCount: {{exp: Flow.count}}
                        outputs:
                          loop:
                            actions:
                              - callData:
                                  name: Check order
                                  category: {{CRM: {{dataAction: {{Check: {{inputs: {{}}}}}}}}}}
                                  outputs:
                                    failure: {{actions: [{{loopNext: {{name: Next order}}}}]}}
                                    success: {{actions: [{{wait: {{name: Breathe, duration: {{lit: {{seconds: 5}}}}}}}}]}}
                              - decision:
                                  name: Enough
                                  condition: {{exp: Flow.count > 10}}
                                  outputs: {{yes: {{actions: [{{loopExit: {{name: Leave}}}}]}}}}
                    - wait: {{name: Rest, duration: {{lit: {{minutes: 1}}}}}}
                no:
                  actions:
                    - updateData: {{name: Make one, statements: [{{integer: {{variable: Flow.count, value: {{lit: 1}}}}}}]}}
                    - endWorkflow: {{name: Unknown customer, exitReason: {{lit: unknown}}}}
      failure: {{actions: [{{endWorkflow: {{name: Failed}}}}]}}
      timeout: {{actions: [{{wait: {{name: Wait a little, duration: {{lit: {{seconds: 30}}}}}}}}]}}
- switch:
    name: Which level
    evaluate:
      firstMatch:
        string:
          value: {{exp: Flow.customerName}}
          cases:
            - case: {{value: {{lit: gold}}, actions: [{{callTask: {{name: Special care, targetTaskRef: '/workflow/tasks/task[task1]'}}}}]}}
            - case: {{value: {{lit: silver}}, actions: [{{callTask: {{name: Care, targetTaskRef: '/workflow/tasks/task[task2]'}}}}]}}
            - case: {{value: {{lit: bronze}}, actions: [{{wait: {{name: Later, duration: {{lit: {{hours: 1}}}}}}}}]}}
          default: {{actions: [{{updateData: {{name: Nothing special, statements: [{{integer: {{variable: Flow.count, value: {{lit: 0}}}}}}]}}}}]}}
{goes}
"""
    if kind == "task":
        body = body.replace("task[task1]", "task[task2]").replace(
            "endWorkflow: {name: Failed}", "endTask: {name: Failed}"
        )
        body = body.replace(
            "callTask: {name: Special care, targetTaskRef: '/workflow/tasks/task[task2]'}",
            "wait: {name: S, duration: {lit: {seconds: 1}}}",
        )
        body = body.replace(
            "callTask: {name: Care, targetTaskRef: '/workflow/tasks/task[task2]'}",
            "wait: {name: S, duration: {lit: {seconds: 1}}}",
        )
    head = (
        f"    - {kind}:\n        name: {kind.capitalize()} {number}\n        refId: {kind}{number}\n        actions:\n"
    )
    return head + textwrap.indent(body.rstrip(), " " * 10)


def shared_flows():
    """Give loaders for the reference flows, by name; none when they are not there."""
    folder = Path(__file__).resolve().parents[3] / "shared"
    paths = sorted([*(folder / "flows").glob("*.yaml"), *(folder / "exports").glob("*.i3*")])
    return {path.name: functools.partial(_load, path) for path in paths}


def _load(path):
    text = path.read_text("utf-8")
    slots = {slot: slot for slot in slot_names(text)} | {"external_contact_email_type": "workEmail"}
    return load_flow(text, name=path.name, slots=slots)
