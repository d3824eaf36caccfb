"""What is seen on a terminal, and only there."""

from __future__ import annotations

import os
import pty
import re
import sys

import pytest

from child_processes import ChildProcess

INPUTS = ("-i", "customerName=Jane", "-i", "orderId=7")


def on_terminal(env: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run a command line on a terminal of its own and tell its exit code and what was seen."""
    screen, keyboard = pty.openpty()
    with ChildProcess(
        [sys.executable, "-m", "flowlaunch", *arguments],
        env=env | {"TERM": "xterm-256color", "COLUMNS": "100"}, stdin=keyboard, stdout=keyboard, stderr=keyboard,
    ) as process:  # fmt: skip
        os.close(keyboard)
        seen = b""
        while True:
            try:
                chunk = os.read(screen, 65_536)
            except OSError:  # Linux tells the end of a terminal's other side so
                break
            if not chunk:
                break
            seen += chunk
        code = process.wait(timeout=60)
    os.close(screen)
    return code, seen.decode()


def test_waiting_shows_a_live_line_and_then_the_result(sandbox_env):
    """On a terminal --wait draws a line that moves and vanishes, and the result follows."""
    code, seen = on_terminal(sandbox_env, "launch", "Order follow-up", *INPUTS, "--wait")
    assert code == 0
    assert "\x1b[2K" in seen
    assert "launched" in seen
    assert "COMPLETED" in seen.rpartition("\x1b[2K")[2]


def test_a_table_keeps_ids_in_one_piece(sandbox_env):
    """However narrow the terminal, ids in tables are not broken over lines, so they can be copied."""
    code, seen = on_terminal(sandbox_env | {"COLUMNS": "70"}, "flows", "list")
    assert code == 0
    assert "f0000000-0000-4000-8000-000000000001" in seen


def test_errors_are_coloured(sandbox_env):
    """On a terminal the error's label is coloured."""
    code, seen = on_terminal(sandbox_env, "flows", "show", "none")
    assert code == 7
    assert re.search(r"\x1b\[31m.*error\[flow-unknown\]", seen)


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_is_respected(sandbox_env, variables):
    """NO_COLOR and a dumb terminal get no colour."""
    code, seen = on_terminal(sandbox_env | {"NO_COLOR": "1"} | variables, "doctor")
    assert code == 0
    assert not re.search(r"\x1b\[[0-9;]*m", seen)
