"""The batch commands on a terminal: a bar, a live view, questions."""

from __future__ import annotations

import os
import pty
import sys
import threading

import pytest
from batch_files import FAST, FLOW, launched_orders, orders

from child_processes import ChildProcess
from flowlaunch.sandbox import DropAfterProcessing


def on_terminal(env: dict[str, str], *arguments: str, answers: dict[str, str] | None = None) -> tuple[int, str]:
    """Run a command line on a terminal, type an answer after each question, and tell its code and what was seen."""
    screen, keyboard = pty.openpty()
    left = dict(answers or {})
    with ChildProcess(
        [sys.executable, "-m", "flowlaunch", *arguments],
        env=env | {"TERM": "xterm-256color", "COLUMNS": "120"}, stdin=keyboard, stdout=keyboard, stderr=keyboard,
    ) as process:  # fmt: skip
        os.close(keyboard)
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        seen = ""
        while True:
            try:
                chunk = os.read(screen, 65_536)
            except OSError:  # Linux tells the end of a terminal's other side so
                break
            if not chunk:
                break
            seen += chunk.decode(errors="replace")
            for question in [one for one in left if one in seen]:
                os.write(screen, left.pop(question).encode())
        code = process.wait(timeout=60)
        deadline.cancel()
    os.close(screen)
    return code, seen


def test_a_run_draws_a_bar_and_then_the_outcome(sandbox_env, tmp_path):
    """On a terminal a run shows a moving bar with what it launches, and the outcome when it has ended."""
    code, seen = on_terminal(sandbox_env, "batch", "run", str(orders(tmp_path)), "--flow", FLOW, *FAST)
    assert code == 0
    assert "\x1b[2K" in seen
    assert "of 6 rows" in seen
    assert "6 of 6 rows launched, 6 completed." in seen


@pytest.mark.parametrize(("answer", "code", "launches"), [("y\n", 0, 6), ("n\n", 130, 0)])
def test_many_rows_are_asked_about(sandbox_env, sandbox, tmp_path, answer, code, launches):
    """On a terminal more rows than --confirm-above are asked about, with the pace; no is no."""
    ended, seen = on_terminal(
        sandbox_env, "batch", "run", str(orders(tmp_path)), "--flow", FLOW, "--rate", "6000", "--ramp", "off",
        "--confirm-above", "5", answers={"Launch them now?": answer},
    )  # fmt: skip
    assert ended == code
    assert "at up to 6000 requests a minute" in seen
    assert len(sandbox.launches()) == launches


def test_rows_in_doubt_are_asked_about_one_by_one(sandbox_env, sandbox, at_sandbox, tmp_path):
    """reconcile on a terminal asks for each row that cannot be proved; return leaves it in doubt."""
    sandbox.faults.next("executions.launch", DropAfterProcessing(), times=3)
    file = str(orders(tmp_path, 3))
    assert at_sandbox("batch", "run", file, "--flow", FLOW, "--key", "orderId", *FAST).code == 5
    code, seen = on_terminal(
        sandbox_env, "batch", "reconcile", file, "--offline", "--because", "asked them",
        answers={"(1): was it launched?": "y\n", "(2): was it launched?": "\n", "(3): was it launched?": "n\n"},
    )  # fmt: skip
    assert code == 5
    assert "settled by you: 2" in seen
    states = at_sandbox("batch", "status", file, "-o", "json").data["states"]
    assert states == {"launched": 1, "in_doubt": 1, "pending": 1}
    assert launched_orders(sandbox) == [1, 2, 3]


def test_watch_draws_a_live_view(sandbox_env, at_sandbox, started, tmp_path):
    """watch on a terminal shows the bar, the speed against the budget and the states until the batch has ended."""
    file = str(orders(tmp_path, 24))
    running = started("batch", "run", file, "--flow", FLOW, "--rate", "600", "--ramp", "off", "--interval", "0.2")
    while "started" not in (line := running.line()):
        assert line
    code, seen = on_terminal(sandbox_env, "batch", "watch", file)
    running.process.communicate(timeout=60)
    assert code == 0
    for part in ("rows have left", "budget 600", "completed", "latest", "the batch has ended"):
        assert part in seen, part
