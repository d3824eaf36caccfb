"""A client is a stranger: whatever it starts, says or leaves behind, the kit goes on and leaves nothing running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from child_processes import ChildProcess
from flowlaunch.conformance import Statement, run_conformance
from flowlaunch.conformance.process import MAX_LINES, run_bounded
from flowlaunch.conformance.task import OUTCOMES, About, read_line
from flowlaunch.conformance.trials import chosen_trials

FAKE = Path(__file__).with_name("fake_client.py")
MARK = "CONFORMANCE_API_URL"
ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells whose a process is")
PATIENCE_S = 20.0
LEAVES_ONE_BEHIND = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], start_new_session=True)
print('{"pid": %d}' % child.pid, flush=True)
if sys.argv[1] == "hangs":
    time.sleep(30)
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def until(holds) -> None:
    ends_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends_s
        time.sleep(0.01)


def given() -> dict[str, str]:
    return {**os.environ, MARK: f"http://127.0.0.1/{uuid.uuid4()}"}


def ran(program: str, *arguments: str, is_overdue=lambda: False):
    return run_bounded([sys.executable, "-c", program, *arguments], given(), is_overdue, mark=MARK)


@ON_LINUX
@pytest.mark.parametrize("how", ["ends", "hangs"])
def test_what_a_client_starts_in_a_session_of_its_own_ends_with_it(how):
    """A child that left the client's session is ended too, whether the client ends by itself or is killed."""
    ends_s = time.monotonic() + 2.0
    ended = ran(LEAVES_ONE_BEHIND, how, is_overdue=lambda: time.monotonic() > ends_s)

    assert ended.code == (0 if how == "ends" else None)
    until(lambda: not is_running(json.loads(ended.lines[0][1])["pid"]))


@ON_LINUX
def test_the_kit_itself_is_no_part_of_a_clients_family():
    """Only what was started with the client's variable is ended: neither this process nor a child of somebody else."""
    with ChildProcess([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=given()) as other:
        ran("pass")
        assert other.poll() is None
        other.communicate(b"\n", PATIENCE_S)
    assert other.returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="signals that end a process are of POSIX")
def test_a_client_ends_with_the_command_that_is_ended(tmp_path):
    """A CI job that is ended by its time limit leaves no client behind."""
    told = tmp_path / "pid"
    program = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid()) + '.'); time.sleep(30)"
    words = ["-m", "flowlaunch", "conformance", "run", "--only", "plain", "--", sys.executable, "-c", program]
    with ChildProcess([sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        until(lambda: told.exists() and told.read_text().endswith("."))
        command.send_signal(signal.SIGTERM)
        command.communicate(timeout=PATIENCE_S)

    assert command.returncode == 128 + signal.SIGTERM
    until(lambda: not is_running(int(told.read_text()[:-1])))


def test_a_client_may_talk_as_much_as_it_likes():
    """However many lines of a log come first, the line that counts is read."""
    ended = ran(f'for number in range({MAX_LINES * 3}): print(number)\nprint(\'{{"outcome": "failed"}}\')')
    assert [read_line(line) for _, line in ended.lines] == [Statement("failed")]


@pytest.mark.parametrize("outcome", [[], {}, None, 1, True, "maybe", "x" * 90_000], ids=lambda one: repr(one)[:10])
def test_an_outcome_that_is_none_is_told_as_a_mistake(outcome):
    """Whatever JSON stands where an outcome belongs, the client has broken the contract and the kit has not."""
    mistake = read_line(json.dumps({"outcome": outcome}))
    assert isinstance(mistake, str)
    assert mistake.endswith(f"is none of {', '.join(OUTCOMES)}")
    assert len(mistake) < 200


@pytest.mark.parametrize("line", ["[" * 90_000, '{"outcome": "failed", "a": ' + "[" * 90_000, "{", "\0", "\ufeff"])
def test_rubbish_is_passed_over(line):
    """Lines that are no JSON, however deep, are no statement and no defect."""
    assert read_line(line) is None


def test_a_line_may_begin_with_a_byte_order_mark():
    """Output of languages that begin it with a mark of its encoding counts as any other."""
    assert read_line('\ufeff{"outcome": "in-doubt"}') == Statement("in-doubt")


def test_a_text_that_was_cut_in_the_middle_of_a_sign_can_be_kept():
    """Half of an emoji in a message, a name or an id is told as a question mark, and the card can be written."""
    cut = "\ud83d"
    said = read_line(json.dumps({"outcome": "launched", "id": f"1{cut}", "message": f"no {cut}", "error": cut}))
    assert said == Statement("launched", execution_id="1?", message="no ?", error="?")
    assert read_line(json.dumps({"client": f"mine {cut}", "settings": cut})) == About("mine ?", "?")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ([sys.executable, str(FAKE), "idle"], "fake_client.py"),
        ([sys.executable, "-c", "pass;" * 999], Path(sys.executable).name),
        (["true"], "true"),
    ],
)
def test_a_client_without_a_name_is_called_by_its_program(command, name):
    """A client that does not tell its name has that of its file, not of whatever argument came last."""
    assert run_conformance(command, trials=chosen_trials(["plain"])).client == name


def test_a_card_of_rubbish_is_still_a_card():
    """A client that says nothing that can be read is scored by what it did."""
    says = "print('{\"outcome\": []}'); print('[' * 90_000)"
    program = f"{says}; import runpy, sys; sys.argv[1:] = ['good']; runpy.run_path({str(FAKE)!r})"
    card = run_conformance([sys.executable, "-c", program], trials=chosen_trials(["plain"]))
    assert {ruling.check for _, ruling in card.lost} == {"reported"}
