"""A flow broken in ten ways: each message says where, what, and what to do about it."""

from __future__ import annotations

import pytest
from flow_desk import TUTORIAL

STUBS = """\
data_actions:
- {action: Get Appointment, outputs: {status: booked}}
- {action: Send SMS}
tables: {Reminder texts: {key: status, rows: []}}
"""
LOOP = """\
  tasks:
    - task:
        name: A
        refId: a
        actions:
          - callTask: {name: Go to B, targetTaskRef: "/workflow/tasks/task[b]"}
    - task:
        name: B
        refId: b
        actions:
          - callTask: {name: Go to A, targetTaskRef: "/workflow/tasks/task[a]"}
"""


@pytest.fixture
def broken(command, write):
    """Run a command on the tutorial's flow after a replacement; give code and everything it said."""
    write("stubs.yaml", STUBS)

    def call(old: str, new: str, *arguments: str, name: str = "run"):
        text = TUTORIAL.read_text()
        assert old in text
        write("broken.yaml", text.replace(old, new, 1))
        stubs = ("--stubs", "stubs.yaml") if name == "run" else ()
        ended = command(name, "broken.yaml", *stubs, *arguments)
        return ended.code, ended.out + ended.err

    return call


def line_of(part: str) -> int:
    """Find the line of a part of the tutorial's flow."""
    return TUTORIAL.read_text().partition(part)[0].count("\n") + 1


LOADING = {
    "a typo in a function": (
        'Append("reminded', 'Apend("reminded', ["no function `Apend`", "Did you mean `Append`?"], 'Append("reminded'
    ),
    "a wrong type": (
        'Append("reminded at attempt ", ToString(Flow.attempt + 1))',
        'Flow.attempt + "x"',
        ["cannot be used on Integer and String", "ToString(...)"],
        'Append("reminded',
    ),
    "bad indentation": (
        '              outputs:\n                "yes":',
        '             outputs:\n                "yes":',
        ["Check the indentation"],
        '              outputs:\n                "yes":',
    ),
    "fields beside their action": (
        "          - wait:\n                        name: Wait for the evening\n                        duration:",
        "          - wait:\n                      name: Wait for the evening\n                      duration:",
        ["exactly one key, found 3", "Check the indentation"],
        "- wait:",
    ),
    "an unknown action": ("- loopExit:", "- loopEnd:", ["no action `loopEnd`", "Did you mean `"], "- loopExit:"),
    "a variable that does not exist": (
        "exp: Flow.outcome", "exp: Flow.outcom", ["Flow.outcom", "Did you mean `Flow.outcome`?"], "exp: Flow.outcome"
    ),
    "a wrong output name": (
        "userMessage:", "userMesage:", ["no failure output `userMesage`", "Did you mean `userMessage`?"], "userMessage:"
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", LOADING)
def test_what_cannot_load_says_where_and_what_to_do(broken, way):
    """Mistakes that are found at load name file and line, point at the place, and give a cure."""
    old, new, said, place = LOADING[way]
    code, text = broken(old, new)
    assert code == 1
    line = line_of(place)
    assert any(f"broken.yaml:{number}:" in text for number in (line, line + 1)), text
    assert "hint:" in text
    for part in said:
        assert part in text


def test_not_set_into_left_says_which_expression(broken):
    """NOT_SET where it is not allowed fails the run with the expression, a caret, the action and its line."""
    code, text = broken('Append("reminded at attempt ", ToString(Flow.attempt + 1))', "Left(Flow.phone, 3)")
    assert code == 3
    assert f"broken.yaml:{line_of('- updateData:' + chr(10) + ' ' * 34 + 'name: Note the success')}" in text
    assert "Left(Flow.phone, 3)\n       ^" in text
    assert "`Flow.phone` is NOT_SET" in text


def test_a_missing_stub_ends_the_run(command, write):
    """Without the stub of a data action the run ends with the stanza to add."""
    write("flow.yaml", TUTORIAL.read_text())
    write("stubs.yaml", STUBS.replace("- {action: Send SMS}\n", ""))
    ended = command("run", "flow.yaml", "--stubs", "stubs.yaml")
    assert ended.code == 1
    assert f"flow.yaml:{line_of('- callData:' + chr(10) + ' ' * 24 + 'name: Send the reminder')}" in ended.err
    assert "action: Send SMS" in ended.err.partition("hint:")[2]


def test_a_switch_without_default_is_covered_as_missing(command, write):
    """A switch whose default is gone still counts its default, so that coverage names it."""
    text = TUTORIAL.read_text()
    start, end = text.index("                    default:\n"), text.index("                    cases:\n")
    write("appointment-reminder.yaml", text[:start] + text[end:])
    write("stubs.yaml", STUBS)
    cases = "flow: appointment-reminder.yaml\nstubs: stubs.yaml\ncases:\n  - {name: booked, inputs: {urgent: true}}\n"
    write("x.test.yaml", cases)
    ended = command("cover", "x.test.yaml")
    switch = line_of("- switch:")
    assert f'appointment-reminder.yaml:{switch}: switch "Which status" never left by 2, default' in ended.out


def test_an_action_that_no_run_reaches_is_named(command, write):
    """An action after the end is named by coverage as one that never ran."""
    write(
        "appointment-reminder.yaml", f"{TUTORIAL.read_text()}          - loop: {{name: Never, loopCount: {{lit: 1}}}}\n"
    )
    write("stubs.yaml", STUBS)
    cases = "flow: appointment-reminder.yaml\nstubs: stubs.yaml\ncases:\n  - {name: booked, inputs: {urgent: true}}\n"
    write("x.test.yaml", cases)
    last = TUTORIAL.read_text().count("\n") + 1
    assert f'appointment-reminder.yaml:{last}: loop "Never" never ran' in command("cover", "x.test.yaml").out


def test_tasks_in_a_circle_end(command, write):
    """Tasks that call each other for ever fail the run by name."""
    text = TUTORIAL.read_text().replace(
        "        actions:\n          - callData:\n              name: Get the appointment",
        '        actions:\n          - callTask: {name: Go to A, targetTaskRef: "/workflow/tasks/task[a]"}\n'
        "          - callData:\n              name: Get the appointment",
    )
    write("flow.yaml", text + LOOP)
    ended = command("run", "flow.yaml")
    assert ended.code == 3
    assert "tasks and modules call each other 200 deep" in ended.err
    assert 'callTask "Go to' in ended.err


def _without_default(text: str) -> str:
    return text[: text.index("                    default:\n")] + text[text.index("                    cases:\n") :]


def _with_circle(text: str) -> str:
    call = '          - callTask: {name: Go to A, targetTaskRef: "/workflow/tasks/task[a]"}\n'
    return text.replace("        actions:\n", f"        actions:\n{call}", 1) + LOOP


LINTED = {
    "a switch without default": (_without_default, 'switch "Which status" has no default path', "Add `default:`"),
    "an end that is not reached": (
        lambda text: f"{text}          - loop: {{name: Never, loopCount: {{lit: 1}}}}\n",
        'loop "Never" is never reached',
        "remove it",
    ),
    "tasks in a circle": (_with_circle, "goes round and round", "endWorkflow or endTask"),
}


@pytest.mark.parametrize("way", LINTED)
def test_what_loads_and_is_wrong_is_linted(command, write, way):
    """What can load but not be meant is found by lint, with file, line and cure."""
    change, said, cure = LINTED[way]
    path = write("broken.yaml", change(TUTORIAL.read_text()))
    out = command("lint", path.name).out
    line = next(line for line in out.splitlines() if said in line)
    assert line.startswith("broken.yaml:")
    assert cure in out.partition(line)[2]


def test_hostile_queries_are_refused(command, write):
    """A query or template nested beyond measure is refused by name, not with a crash."""
    write("flow.yaml", TUTORIAL.read_text())
    write("stubs.yaml", f'data_actions:\n- {{action: x, where: "{"(" * 20_000}a"}}\n')
    ended = command("run", "flow.yaml", "--stubs", "stubs.yaml")
    assert ended.code == 1
    assert "error[flow-stub]" in ended.err
    assert len(ended.err) < 1_000
