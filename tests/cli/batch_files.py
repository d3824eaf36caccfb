"""Rows for the batch commands, and what the sandbox says about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FLOW = "Order follow-up"
LOOKUP = "Loyalty lookup"
DIVIDER = """workflow:
  name: Divider
  startUpRef: ./states/state[s]
  variables:
    - integerVariable:
        name: Flow.parts
        initialValue: {noValue: true}
        isInput: true
        isOutput: false
  states:
    - state:
        name: s
        refId: s
        actions:
          - updateData:
              name: u
              statements:
                - integer:
                    variable: Flow.parts
                    value: {exp: 100 / Flow.parts}
          - endWorkflow: {name: e}
"""
"""A flow that fails when Flow.parts is 0."""

FAST = ("--rate", "off", "--ramp", "off")


def orders(folder: Path, rows: int = 6, *, bad: int = 0) -> Path:
    """Write orders.csv with so many good rows, and after them so many ragged ones."""
    lines = ["orderId,customerName"]
    lines += [f"{number},Jane {number}" for number in range(1, rows + 1)]
    lines += [f"{rows + number}" for number in range(1, bad + 1)]
    file = folder / "orders.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def launched_orders(sandbox) -> list[int]:
    """Tell the order of each launch that the sandbox carried out, sorted."""
    return sorted(int(one.inputs["Flow.orderId"]) for one in sandbox.launches())
