"""Run a batch where there is no event loop, and hear the signals that end it."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from flowlaunch.batch.stop import Stop

__all__ = ["run_outside"]

T = TypeVar("T")
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run_outside(going: Coroutine[Any, Any, T], stop: Stop | None) -> T:
    """Run `going` on a loop of its own, uvloop where it is installed; `stop` hears signals."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner, _signals(runner.get_loop(), stop):
        return runner.run(going)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


@contextmanager
def _signals(loop: asyncio.AbstractEventLoop, stop: Stop | None) -> Iterator[None]:
    """Have the first signal ask for an orderly end and the second for one at once, while this lasts."""
    if stop is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(stop.request, f"asked to stop ({signal.Signals(number).name})")

    before = {number: signal.signal(number, ask) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(ValueError):
                signal.signal(number, handler)
