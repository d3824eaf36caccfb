"""Both clients behind one set of lines, a clock that need not sleep, and programs in processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import flowlaunch
from flowlaunch._core.steps import Moment

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared"
PROGRAMS = HERE / "programs"
SECRET = "demo-secret"
ORDER_FLOW = "f0000000-0000-4000-8000-000000000001"
SHARED_FLOW = "f0000000-0000-4000-8000-000000000009"
GENERIC_FLOW = "f0000000-0000-4000-8000-000000000010"
UNKNOWN_FLOW = "f0000000-0000-4000-8000-00000000ffff"
ORDER = {"Flow.customerName": "Jane Doe", "Flow.orderId": "ORD-1"}
PROGRAM_TIMEOUT_S = 90.0


class LeapingClock:
    """Real time, but sleeping leaps over the time instead of spending it."""

    def __init__(self) -> None:
        self._leapt_s = 0.0
        self._lock = Lock()

    @property
    def slept_s(self) -> float:
        """How long was slept in all: that does not depend on how fast the machine is."""
        return self._leapt_s

    def now(self) -> Moment:
        return Moment(time.monotonic() + self._leapt_s, time.time() + self._leapt_s)

    def _leap(self, seconds: float) -> None:
        with self._lock:
            self._leapt_s += max(0.0, seconds)

    def sleep(self, seconds: float) -> None:
        self._leap(seconds)

    def wait(self, event: Any, seconds: float) -> None:
        if not event.is_set():
            self._leap(seconds)


class LeapingAsyncClock(LeapingClock):
    """The same for tasks."""

    async def sleep(self, seconds: float) -> None:
        self._leap(seconds)
        await asyncio.sleep(0)

    async def wait(self, event: Any, seconds: float) -> None:
        if not event.is_set():
            self._leap(seconds)
        await asyncio.sleep(0)


class AnyClient:
    """Drives Client or AsyncClient with the same lines; `call` answers with the result or raises."""

    def __init__(self, kind: str, url: str | None, **options: Any) -> None:
        self.kind = kind
        self.clock = options.pop("clock", None) or (LeapingClock() if kind == "sync" else LeapingAsyncClock())
        given = {"client_id": "demo", "client_secret": SECRET} if "credentials" not in options else {}
        cls = flowlaunch.Client if kind == "sync" else flowlaunch.AsyncClient
        self.client = cls(url, **{**given, "pace_per_minute": None, "clock": self.clock, **options})
        self._loop: asyncio.Runner | None = None

    def call(self, name: str, /, *args: Any, **options: Any) -> Any:
        method = getattr(self.client, name)
        if self.kind == "sync":
            result = method(*args, **options)
            return list(result) if name == "flows" else result
        if self._loop is None:
            self._loop = asyncio.Runner()
        return self._loop.run(_collect(method, args, options, streams=name == "flows"))

    @property
    def token(self) -> str:
        """The access token held, which no error may show."""
        return self.client._driver.shared.held.token

    def close(self) -> None:
        if self.kind == "sync":
            self.client.close()
        elif self._loop is not None:
            self._loop.run(self.client.close())
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _collect(method: Any, args: tuple[Any, ...], options: dict[str, Any], *, streams: bool) -> Any:
    if streams:
        return [item async for item in method(*args, **options)]
    return await method(*args, **options)


def shown(error: BaseException) -> str:
    """Everything that a log or a crash report could show of an error."""
    parts = ["".join(traceback.format_exception(error)), repr(error)]
    seen: BaseException | None = error
    while seen is not None:
        parts += [repr(vars(seen)), repr(getattr(seen, "details", None)), str(getattr(seen, "body", ""))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(parts)


def child_environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Build an environment without any setting of this machine's user."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "SYSTEMROOT") if name in os.environ}
    return {**kept, "HOME": str(home), "NO_PROXY": "*", **(more or {})}


def run_program(
    name: str, *arguments: str, home: Path, environment: Mapping[str, str] | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program of `programs/` with this interpreter, `given` on its standard input, and give what it said."""
    return subprocess.run(
        [sys.executable, str(PROGRAMS / name), *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=PROGRAM_TIMEOUT_S,
        env=child_environment(home, environment),
        check=False,
        cwd=home,
    )


def report_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Read the JSON report that a program printed as its last line."""
    assert done.returncode == 0, f"the program failed:\n{done.stdout}\n{done.stderr}"
    report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return report
