"""Small flows for the rules: a workflow of given variables, actions, states and tasks."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from flowlaunch.architect.lint import lint_text

if TYPE_CHECKING:
    from flowlaunch.architect.lint import Finding, Report

END = "- endWorkflow: {name: End}"
SET = "- updateData: {name: Set, statements: [{string: {variable: Flow.text, value: {lit: x}}}]}"
READ = "- endWorkflow: {name: End, exitReason: {exp: Flow.text}}"
TEXT = "- stringVariable: {name: Flow.text, initialValue: {lit: a}}"


def workflow(
    actions: str = END, *, variables: str = "", states: str = "", tasks: str = "", extra: str = "", header: str = ""
) -> str:
    """Give the text of a workflow whose first state holds `actions`."""
    parts = [
        "workflow:\n  name: Under test\n  defaultLanguage: en-us\n  startUpRef: /workflow/states/state[first]",
        textwrap.indent(header.strip(), "  "),
        "  variables:" if variables else "",
        textwrap.indent(textwrap.dedent(variables).strip("\n"), "    "),
        "  states:\n    - state:\n        name: First\n        refId: first",
        textwrap.indent(extra.strip("\n"), "        "),
        "        actions:",
        textwrap.indent(textwrap.dedent(actions).strip("\n"), "          "),
        textwrap.indent(textwrap.dedent(states).strip("\n"), "    "),
        "  tasks:" if tasks else "",
        textwrap.indent(textwrap.dedent(tasks).strip("\n"), "    "),
    ]
    return "\n".join(part for part in parts if part.strip()) + "\n"


def report(text: str, **options: Any) -> Report:
    """Lint a text."""
    return lint_text(text, name="flow.yaml", **options)


def codes(text: str, **options: Any) -> list[str]:
    """Give the codes found, in the order of the text."""
    return [one.code for one in report(text, **options).findings]


def found(text: str, code: str, **options: Any) -> Finding:
    """Give the only finding of one rule."""
    (one,) = [one for one in report(text, **options).findings if one.code == code]
    return one
