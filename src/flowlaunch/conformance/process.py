"""Running a client under test: its lines with their times, an end at a bound, and its whole family ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["Ended", "run_bounded"]

LOOK_EVERY_S: Final = 0.1
MAX_LINES: Final = 1_000
"""Of those that begin as a JSON object does: everything else is passed over."""
MAX_LINE_CHARS: Final = 100_000
DRAIN_S: Final = 2.0
ROUNDS: Final = 5
"""How often a family is looked through: what is about to be killed may just start one more."""


@dataclass(slots=True)
class Ended:
    """How a process ended.

    Attributes:
        code: exit code; None when it was killed.
        at_s: when, on the monotonic clock.
        lines: the first lines of standard output that may be JSON objects, each with the moment it came.
        talk: the last lines of standard error.

    """

    code: int | None = None
    at_s: float = 0.0
    lines: list[tuple[float, str]] = field(default_factory=list)
    talk: deque[str] = field(default_factory=lambda: deque(maxlen=40))


def run_bounded(
    command: Sequence[str], environment: Mapping[str, str], is_overdue: Callable[[], bool], *, mark: str
) -> Ended:
    """Run a command to its end, or kill it with all it started once `is_overdue` says so.

    Args:
        command: what to run, with its arguments.
        environment: all of its variables.
        is_overdue: asked again and again.
        mark: a variable whose value nothing else on this machine has: it tells what the command started.

    Raises:
        InputError: it cannot be started.

    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the command that the user gave
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise InputError(
            f"cannot run {command[0]}: {error.strerror or error}", hint="Give the command after --, as a shell would."
        ) from error
    ended = Ended()
    readers = _readers(process, ended)
    try:
        ended.code = _wait(process, is_overdue)
        ended.at_s = time.monotonic()
    finally:
        _end_family(process, f"{mark}={environment[mark]}".encode())
        for reader in readers:
            reader.join(DRAIN_S)
    return ended


def _wait(process: subprocess.Popen[str], is_overdue: Callable[[], bool]) -> int | None:
    while True:
        try:
            return process.wait(LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            if is_overdue():
                return None


def _end_family(process: subprocess.Popen[str], mark: bytes) -> None:
    """Kill what is left of the process and of what it started, on Linux also what left its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    for _ in range(ROUNDS):
        left = list(_marked(mark))
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return


def _marked(mark: bytes) -> Iterator[int]:
    """Give the processes that were started with this variable; none where there is no /proc."""
    for variables in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in variables.read_bytes().split(b"\0"):
                yield int(variables.parent.name)


def _readers(process: subprocess.Popen[str], ended: Ended) -> list[threading.Thread]:
    def note_line(line: str) -> None:
        if len(ended.lines) < MAX_LINES and line.lstrip("\ufeff \t").startswith("{"):
            ended.lines.append((time.monotonic(), line))

    pairs: list[tuple[IO[str] | None, Callable[[str], None]]] = [
        (process.stdout, note_line),
        (process.stderr, ended.talk.append),
    ]
    threads = [threading.Thread(target=_read, args=pair, daemon=True) for pair in pairs]
    for thread in threads:
        thread.start()
    return threads


def _read(stream: IO[str] | None, take: Callable[[str], None]) -> None:
    if stream is None:
        return
    with stream:
        while line := stream.readline(MAX_LINE_CHARS):
            take(line)
