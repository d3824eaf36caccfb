"""A small flow, the tutorial's files and the reference flows, for the tests of the flow tools."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLOWS = Path(__file__).resolve().parents[2] / "src" / "flowlaunch" / "sandbox" / "flows"
SHARED = Path(__file__).resolve().parents[3] / "shared"
TUTORIAL = FLOWS / "appointment-reminder.yaml"
CASES = FLOWS / "appointment-reminder.test.yaml"
SLOTS = {"external_contact_email_type": "workEmail"}

SMALL_FLOW = """\
workflow:
  name: Small
  division: Home
  startUpRef: "/workflow/states/state[start]"
  variables:
    - stringVariable: {name: Flow.id, initialValue: {noValue: true}, isInput: true}
    - integerVariable: {name: Flow.count, initialValue: {lit: 1}, isInput: true}
    - stringVariable: {name: Flow.tier, initialValue: {noValue: true}, isOutput: true}
    - booleanVariable: {name: Flow.many, initialValue: {lit: false}, isOutput: true}
  states:
    - state:
        name: Start
        refId: start
        actions:
          - callData:
              name: Ask
              timeout: {lit: {seconds: 10}}
              category:
                CRM:
                  dataAction:
                    Get Tier:
                      inputs:
                        id: {exp: Flow.id}
                        count: {exp: Flow.count}
                      successOutputs:
                        tier: {var: Flow.tier}
          - decision:
              name: Are there many
              condition: {exp: Flow.count > 2}
              outputs:
                "yes":
                  actions:
                    - updateData:
                        name: Note it
                        statements:
                          - boolean: {variable: Flow.many, value: {lit: true}}
          - endWorkflow:
              name: Done
              exitReason: {exp: Flow.tier}
"""


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


def shared_files() -> list[Path]:
    """The reference flows and exports, or nothing beside this checkout."""
    return sorted((SHARED / "flows").glob("*.yaml")) + sorted((SHARED / "exports").glob("*.i3*"))
