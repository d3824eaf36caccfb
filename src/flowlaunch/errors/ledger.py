"""Errors of the ledger of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlaunch.errors.base import FlowlaunchError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class LedgerError(FlowlaunchError):
    """The ledger of a batch cannot do what it was asked to; what it holds is as it was."""

    default_code = "ledger"
    default_hint = "Check that the path names a ledger of flowlaunch and that this user may write to it and its folder."


class LedgerBusyError(LedgerError):
    """Another process works on the batch, or holds the ledger's file for too long; nothing was changed.

    Attributes:
        pid: the other process, or None when it is not known.
        host: the machine it runs on, or "".
        heartbeat_at: when it last gave a sign of life (aware UTC), or None.

    """

    default_code = "ledger-busy"
    default_hint = "Watch it with `flowlaunch batch watch`; stop it with Ctrl-C there, or wait until it has ended."

    def __init__(
        self,
        message: str,
        *,
        pid: int | None = None,
        host: str = "",
        heartbeat_at: datetime | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, details={"pid": pid, "host": host, "heartbeat_at": heartbeat_at})
        self.pid = pid
        self.host = host
        self.heartbeat_at = heartbeat_at


class LedgerUnreachableError(LedgerBusyError):
    """The ledger's database server does not answer. Trying again is right: what was not kept is not half kept.

    Attributes:
        is_uncertain: whether the connection broke while a transaction was being kept, so that it may have been. Writes
            of a worker find out by themselves when they are tried again.

    """

    default_code = "ledger-unreachable"
    default_hint = "Check that the server runs and can be reached, then try again; workers go on by themselves."

    def __init__(self, message: str, *, is_uncertain: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.is_uncertain = is_uncertain


class LedgerFencedError(LedgerError):
    """Another process took over what this one was working on: its rows are no longer this one's to write.

    Rows in flight were put in doubt by whoever took over. Send nothing more; reconciling settles them.
    """

    default_code = "ledger-fenced"
    default_hint = "Stop this run: another one has taken over. Rows it had in flight are in doubt; reconcile them."


class LedgerFullError(LedgerError):
    """The disk is full: no intent of this transaction was written, so nothing of it may be sent.

    Attributes:
        saved: whether the outcomes of requests already sent were written all the same, with space kept for that.

    """

    default_code = "ledger-full"
    default_hint = "Free space on the ledger's disk, then resume the batch: it goes on where it stopped."

    def __init__(self, message: str, *, saved: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, details={"saved": saved})
        self.saved = saved


class LedgerMismatchError(LedgerError):
    """A batch cannot go on as it began: its file, mapping or flow has changed since.

    Attributes:
        changed: what differs: `source`, `mapping`, `flow`, `flow-version`.

    """

    default_code = "ledger-mismatch"
    default_hint = "Put back what changed, or start a new batch: row keys keep rows from being launched twice."

    def __init__(self, message: str, *, changed: Sequence[str], hint: str | None = None) -> None:
        super().__init__(message, hint=hint, details={"changed": tuple(changed)})
        self.changed = tuple(changed)


class LedgerMovedError(LedgerError):
    """The ledger was moved to another place and must not be used here: what it holds goes on there.

    Attributes:
        place: where it is now, without a password.

    """

    default_code = "ledger-moved"
    default_hint = "Use the new place; `flowlaunch ledger info FILE --use-again` takes the file into use again."

    def __init__(self, message: str, *, place: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, details={"place": place})
        self.place = place


class LedgerTooNewError(LedgerError):
    """A newer flowlaunch wrote the ledger; nothing was changed."""

    default_code = "ledger-too-new"
    default_hint = "Update flowlaunch to the version that wrote it, or newer."
