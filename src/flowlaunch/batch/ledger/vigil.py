"""Look after a server that takes connections and then says nothing: whoever asked it would wait for ever.

No limit of a statement helps, since it is the server that keeps it; and a long statement looks the same from here. So
the server is asked something small beside, on a connection of its own, and when that is not answered for some time all
connections are broken: who waits for an answer gets an error.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final, Self

from flowlaunch.batch.ledger.outage import break_off_later
from flowlaunch.errors import LedgerError, LedgerUnreachableError

if TYPE_CHECKING:
    from types import TracebackType

    from flowlaunch.batch.ledger.postgres import Asking
    from flowlaunch.batch.ledger.store import Store

__all__ = ["Vigil"]

PATIENCE_S: Final = 30.0
LEAVE_S: Final = 10.0
"""Silence after which a process that is to end waits no longer: nothing in it is worth more than its end."""
ASK_S: Final = 2.0
LOOK_S: Final = 1.0
JOIN_S: Final = 1.0
log = logging.getLogger("flowlaunch.ledger")


class Vigil:
    """Breaks the connections of a ledger whose server is silent, from threads of its own that end with the process.

    At first they are broken for good, so that what is begun ends with LedgerUnreachableError; `go_on` is for who works
    on for days, `leave` for who is to end. A file has no server: nothing is done then.

    Attributes:
        has_given_up: whether they were broken for good.

    """

    def __init__(self, *, patience_s: float = PATIENCE_S, leave_s: float = LEAVE_S, look_s: float = LOOK_S) -> None:
        self._patience_s, self._leave_s, self._look_s = patience_s, leave_s, look_s
        self._store: Store | None = None
        self._ended, self._heard = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._is_for_good, self._is_leaving = True, False
        self.has_given_up = False

    def watch(self, store: Store) -> None:
        """Begin, before the store's server is asked anything; from any thread."""
        from flowlaunch.batch.ledger.postgres import PostgresDatabase  # noqa: PLC0415 - loads the database library

        if not isinstance(store.database, PostgresDatabase):
            return
        self._store = store
        for work in ((self._ask, store.database.asking()), (self._judge, store)):
            thread = threading.Thread(target=work[0], args=work[1:], name="flowlaunch-vigil", daemon=True)
            self._threads.append(thread)
            thread.start()

    def go_on(self) -> None:
        """From now on break what is silent and let it be asked anew."""
        self._is_for_good = self._is_leaving

    def leave(self) -> None:
        """From now on be less patient, also with a server that refuses: the process is to end."""
        if not self._is_leaving:
            self._is_leaving = self._is_for_good = True
            self._patience_s = self._leave_s
            self._heard.set()  # what was away until now is given as long

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(JOIN_S)  # one that hangs ends with the process
        if self._store is not None:
            break_off_later(self._store.break_off)  # the process waits for threads that wait for it
        if self.has_given_up and self._store is not None and isinstance(error, LedgerError):
            raise LedgerUnreachableError(
                f"wait for {self._store.place}: it takes connections and does not answer",
                is_uncertain=getattr(error, "is_uncertain", False),
                hint="Check that the server, and what is between it and here, is not overloaded; then try again.",
            ) from error

    def _ask(self, asking: Asking) -> None:
        while not self._ended.wait(ASK_S):
            answer = asking.ask()
            if answer == "answered" or (answer == "refused" and not self._is_leaving):
                self._heard.set()
        asking.close()

    def _judge(self, store: Store) -> None:
        """Count the looks since the last answer, not the time: a process may have been stopped meanwhile."""
        looks = 0
        while not self._ended.wait(self._look_s):
            looks = 0 if self._heard.is_set() else looks + 1
            self._heard.clear()
            if looks * self._look_s < self._patience_s:
                continue
            looks = 0
            if self._is_for_good:
                self.has_given_up = True
                store.break_off(for_good=True)
                return
            log.warning("%s has not answered for %.0f s: its connections are broken", store.place, self._patience_s)
            store.break_off()
