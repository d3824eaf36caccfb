"""One pass over the ledger that removes what is older than is kept."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.ledger import removal
from flowlaunch.gateway.access.sessions import Sessions
from flowlaunch.gateway.launches.batches import SOURCE, route_name_of
from flowlaunch.gateway.store import quotas, retention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowlaunch.batch.ledger import Batch, Ledger
    from flowlaunch.gateway.ops.options import Retention

__all__ = ["Pruning"]

DAY_US: Final = 86_400_000_000
QUOTAS_DAYS: Final = 2
REST: Final = 3.0
"""Time left to others after each step, as a multiple of what the step took."""
LEAST_REST_S: Final = 0.002


class Pruning:
    """Removes what is old. It runs in a thread of its own and rests between its steps.

    Args:
        uploads: folder of the files of uploaded batches; a batch of a file elsewhere is not the gateway's.
        on_removed: told what was removed and how many.
        is_stopped: asked before each step.

    """

    def __init__(
        self,
        ledger: Ledger,
        keep: Retention,
        *,
        uploads: Path | None,
        on_removed: Callable[[str, int], None] | None = None,
        is_stopped: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ledger, self._store, self._keep = ledger, ledger.store, keep
        self._uploads = uploads.absolute() if uploads is not None else None
        self._on_removed, self._is_stopped, self._sleep = on_removed, is_stopped, sleep

    def run(self) -> Counter[str]:
        """Remove everything that is old enough, and return how much of what."""
        removed: Counter[str] = Counter()
        for what, step in self._steps():
            if self._is_stopped():
                break
            began_s = time.perf_counter()
            count = step()
            if count:
                removed[what] += count
                if self._on_removed is not None:
                    self._on_removed(what, count)
                self._sleep(max(LEAST_REST_S, (time.perf_counter() - began_s) * REST))
        return removed

    def count(self) -> Counter[str]:
        """Return how many launches and batches a pass would remove, removing nothing."""
        found: Counter[str] = Counter()
        if (before_us := self._before(self._keep.launches)) is not None:
            found["launches"] = sum(len(row_ids) for row_ids in self._old_launches(before_us))
        if (before_us := self._before(self._keep.batches)) is not None:
            found["batches"] = sum(1 for _ in self._old_batches(before_us))
        return found

    def _steps(self) -> Iterator[tuple[str, Callable[[], int]]]:
        """Yield each step when the one before has been made."""
        if (before_us := self._before(self._keep.launches)) is not None:
            for row_ids in self._old_launches(before_us):
                yield "launches", partial(retention.remove_launches, self._store, row_ids, before_us)
            yield from self._traces(before_us)
        if (before_us := self._before(self._keep.batches)) is not None:
            for batch in self._old_batches(before_us):
                yield from self._of_batch(batch, before_us)
            yield "partitions", partial(removal.drop_partitions, self._store)
        for what, days in (("messages", self._keep.messages), ("audit", self._keep.audit)):
            if (before_us := self._before(days)) is not None:
                yield from _until_done(what, partial(retention.remove_lines, self._store, what, before_us))
        yield "sessions", Sessions(self._store).sweep
        yield "quotas", self._forget_quotas

    def _old_launches(self, before_us: int) -> Iterator[list[int]]:
        after: str | None = ""
        while after is not None:
            row_ids, after = retention.old_launches(self._store, before_us, after)
            if row_ids:
                yield row_ids

    def _traces(self, before_us: int) -> Iterator[tuple[str, Callable[[], int]]]:
        for batch in self._ledger.batches():
            if route_name_of(batch) is not None:
                step = partial(removal.remove_traces, self._store, batch.batch_id, before_us, retention.STEP)
                yield from _until_done("traces", step)

    def _old_batches(self, before_us: int) -> Iterator[Batch]:
        for batch in self._ledger.batches():
            if batch.spec.source == SOURCE or Path(batch.spec.source).parent != self._uploads:
                continue
            with self._store.read("judge an old batch") as connection:
                is_over = removal.is_over(connection, batch.batch_id, before_us)
            if is_over:
                yield batch

    def _of_batch(self, batch: Batch, before_us: int) -> Iterator[tuple[str, Callable[[], int]]]:
        step = partial(retention.remove_batch_rows, self._store, batch.batch_id, before_us)
        yield from _until_done("batch rows", step)
        yield "batches", lambda: self._remove(batch)

    def _remove(self, batch: Batch) -> int:
        """Remove a batch, then its file with what lies beside it: a crash in between leaves a file alone."""
        if not removal.remove_batch(self._store, batch.batch_id):
            return 0
        source = Path(batch.spec.source)
        for file in source.parent.glob(f"{source.name}*"):
            with contextlib.suppress(OSError):
                file.unlink()
        return 1

    def _forget_quotas(self) -> int:
        with self._store.write("forget old quotas", durable=False) as connection:
            return quotas.forget_windows(connection, self._store.now_us() - QUOTAS_DAYS * DAY_US)

    def _before(self, days: float | None) -> int | None:
        return None if days is None else self._store.now_us() - round(days * DAY_US)


def _until_done(what: str, step: Callable[[], int]) -> Iterator[tuple[str, Callable[[], int]]]:
    """Yield a step again and again until it finds nothing more to remove."""
    found = 1

    def counted() -> int:
        nonlocal found
        found = step()
        return found

    while found:
        yield what, counted
