"""Processes that tests and benchmarks start: none outlives its run, however that ends.

`ChildProcess` is `subprocess.Popen`, `run_child` is `subprocess.run`, and both tell a guard of it. The guard is a
process of its own that does nothing but read a pipe from the run. When the pipe ends the run has ended, in order, by
its time limit or by SIGKILL, and the guard kills what is left. (The kernel's own way, PR_SET_PDEATHSIG, goes by the
thread that started a process, not by the run.) A PostgreSQL server has a guard of its own, which removes its folder,
too. Linux only: elsewhere nothing is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

_starting = threading.Lock()
_guards = {}
"""Of this very process only: a fork of it has none yet."""


class ChildProcess(subprocess.Popen):
    """A process that ends with this one at the latest."""

    def __init__(self, *args, **options):
        guard = _guard()
        super().__init__(*args, **options)
        guard.stdin.write(b"%d\n" % self.pid)


def run_child(*command, capture_output=False, check=False, timeout=None, **options):
    """Do as `subprocess.run`, by a process that ends with this one at the latest."""
    given = options.pop("input", None)
    options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} if capture_output else {}
    options |= {"stdin": subprocess.PIPE} if given is not None else {}
    with ChildProcess(*command, **options) as child:
        try:
            out, err = child.communicate(given, timeout=timeout)
        except BaseException:
            child.kill()
            raise
    ended = subprocess.CompletedProcess(child.args, child.returncode, out, err)
    if check:
        ended.check_returncode()
    return ended


def _guard():
    with _starting:
        if os.getpid() not in _guards:
            _guards[os.getpid()] = subprocess.Popen(  # in a session of its own: Ctrl-C ends the run, not the guard
                [sys.executable, "-S", __file__], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0,
                start_new_session=True, cwd="/",
            )  # fmt: skip
        return _guards[os.getpid()]


def watch(run):
    """Take in the processes of a run until that ends; then kill those that are still there, and what they started."""
    begun = {}
    for line in run:
        pid = int(line)
        begun[pid] = _begun(pid)
    left = [pid for pid, at in begun.items() if at and _begun(pid) == at]
    for pid in [*left, *_descendants(left)]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _begun(pid):
    """Return when a process began, which tells it from a later one of the same number; "" when there is none."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in "ZX" else ""


def _descendants(pids):
    parents = {int(one.name): int(fields[1]) for one in Path("/proc").glob("[0-9]*") if (fields := _stat(one.name))}
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - set(pids)


def _stat(pid):
    """Return the fields of a process after its name: state, parent, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return []


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(sys.stdin)
