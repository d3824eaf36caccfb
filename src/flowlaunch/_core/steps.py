"""What a plan may ask of its driver.

A plan is a generator: it yields a step and gets back what the step's comment says. All waiting, sending and
clock reading is the driver's; everything decided is the plan's. Those that every call makes are msgspec structs: they
cost a fifth of a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from flowlaunch._core.messages import Request

T = TypeVar("T")

ANSWER_SHARE: Final = 0.1
ANSWER_S: Final = 1.0
"""Last part of a call's time in which nothing is sent any more, ANSWER_S at most: an answer needs some time, and a
launch that leaves with none is in doubt for nothing."""


class Now(Struct, frozen=True, gc=False):
    """Ask the time; the answer is a Moment."""


class Moment(Struct, frozen=True, gc=False):
    """One reading of both clocks, in seconds; only differences of `mono_s` mean anything."""

    mono_s: float
    unix_s: float


class Deadline(Struct, frozen=True, gc=False):
    """The end of one call of a caller, whatever it takes: `at_s` on the monotonic clock, `given_s` seconds long."""

    at_s: float
    given_s: float

    @property
    def latest_s(self) -> float:
        """The moment from which on nothing is sent any more."""
        return self.at_s - min(ANSWER_S, self.given_s * ANSWER_SHARE)


class Bearer(Struct, frozen=True, gc=False):
    """Ask for a token other than generation `refused` (0: any that is fresh); the answer is a Held."""

    refused: int
    deadline_s: float


class Reserve(Struct, frozen=True, gc=False):
    """Ask for a place in the pace before `deadline_s`; the answer is a Slot, or None when there is none in time."""

    deadline_s: float


@dataclass(frozen=True, slots=True)
class PushBack:
    """Tell the pace that the service wants silence for `seconds`; the answer is None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take `cost` from the retry quota; the answer says whether it held that much."""

    cost: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait between `at_least_s` and `up_to_s`, at a random point; the answer is None."""

    at_least_s: float
    up_to_s: float


class Send(Struct, frozen=True, gc=False):
    """Send `request` and read its answer before `deadline_s`; the answer is a Response or a Lost."""

    request: Request
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Once:
    """Ask for the result of `make_plan`, kept under `key` for `fresh_s`; one at a time runs it, the rest wait."""

    key: Hashable
    make_plan: Callable[[], Plan[Any]]
    fresh_s: float
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Warn:
    """Tell the log something that the caller should know; the answer is None."""

    message: str


Step: TypeAlias = Now | Bearer | Reserve | PushBack | Withdraw | Pause | Send | Once | Warn
Plan: TypeAlias = Generator[Step, Any, T]


def begin(timeout_s: float) -> Plan[Deadline]:
    """Begin a call that may take `timeout_s`; every request made for it keeps to the one deadline."""
    now: Moment = yield Now()
    return Deadline(now.mono_s + timeout_s, timeout_s)
