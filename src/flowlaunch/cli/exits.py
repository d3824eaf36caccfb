"""Exit codes: one table from error classes to what a script sees."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from flowlaunch import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXIT_OF_CLASS", "MEANING", "Exit", "exit_for"]


class Exit(IntEnum):
    """How a command ended. Scripts rely on the numbers."""

    OK = 0
    ERROR = 1
    USAGE = 2
    FLOW_FAILED = 3
    AUTH = 4
    IN_DOUBT = 5
    BUDGET_SPENT = 6
    INPUT_REJECTED = 7
    NOT_LAUNCHED = 8
    INTERRUPTED = 130


MEANING: Final[Mapping[Exit, str]] = {
    Exit.OK: "The command did what it was asked to.",
    Exit.ERROR: "Something else went wrong: network, server, an answer that cannot be read.",
    Exit.USAGE: "The command line or a setting is wrong; nothing was sent.",
    Exit.FLOW_FAILED: "The flow ran and did not complete.",
    Exit.AUTH: "The credentials were refused, or a permission is missing.",
    Exit.IN_DOUBT: "A launch may or may not have happened; it must not be repeated blindly.",
    Exit.BUDGET_SPENT: "A rate limit refused the call, or the time given was spent.",
    Exit.INPUT_REJECTED: "The flow, the id or the input data was rejected; nothing was launched.",
    Exit.NOT_LAUNCHED: "The batch ended, or was stopped, with rows that were not launched.",
    Exit.INTERRUPTED: "The user interrupted the command.",
}
"""What each code says."""

EXIT_OF_CLASS: Final[Mapping[type[errors.FlowlaunchError], Exit]] = {
    errors.FlowlaunchError: Exit.ERROR,
    errors.SettingsError: Exit.USAGE,
    errors.InputError: Exit.INPUT_REJECTED,
    errors.DeadlineError: Exit.BUDGET_SPENT,
    errors.InvalidRequestError: Exit.INPUT_REJECTED,
    errors.NotFoundError: Exit.INPUT_REJECTED,
    errors.AuthenticationError: Exit.AUTH,
    errors.PermissionDeniedError: Exit.AUTH,
    errors.RateLimitedError: Exit.BUDGET_SPENT,
    errors.LaunchInDoubtError: Exit.IN_DOUBT,
    errors.ExecutionFailedError: Exit.FLOW_FAILED,
    errors.LedgerMismatchError: Exit.INPUT_REJECTED,
}
"""The classes that decide; a class that is not listed ends as its nearest base does."""


def exit_for(error: errors.FlowlaunchError) -> Exit:
    """Tell how a command ends that was stopped by `error`."""
    return next(EXIT_OF_CLASS[one] for one in type(error).__mro__ if one in EXIT_OF_CLASS)
