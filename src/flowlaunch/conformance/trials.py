"""The trials as data: what goes wrong, what a well-behaved client does then, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.errors import SettingsError
from flowlaunch.sandbox.faults import (
    ConnectionsRefused,
    DripBody,
    DropAfterProcessing,
    Fault,
    Hang,
    HtmlBadGateway,
    NotFoundAfterLaunch,
    Status,
    Status504AfterProcessing,
    TokenRevoked,
    TruncatedJson,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["LAUNCH", "TOKEN", "TRIALS", "Play", "Trial", "chosen_trials"]

LAUNCH: Final = "executions.launch"
TOKEN: Final = "token"  # noqa: S105 - the name of an operation
FOR_EVER_S: Final = 3_600.0
WAIT_S: Final = 1
OUTAGE_S: Final = 0.15
TOKEN_LIFE_S: Final = 2


@dataclass(frozen=True, slots=True)
class Play:
    """A fault at one call of an operation, or (None) at every one."""

    operation: str
    call: int | None
    fault: Fault


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault and the task under it.

    Attributes:
        name: stable, for `--only` and scorecards.
        happens: what the service does.
        wanted: what a well-behaved client does, and why.
        leaves_doubt: whether a client cannot know what became of its launch; else the launch can be made.
        status: the HTTP status that the client gets to see and should tell.
        wait_s: how long the service asks to wait.
        reaches: the operation that must be called before the client has shown anything.
        options: of the sandbox.

    """

    name: str
    happens: str
    wanted: str
    plays: tuple[Play, ...] = ()
    leaves_doubt: bool = False
    status: int | None = None
    wait_s: float = 0.0
    launches: int = 1
    pause_s: float = 0.0
    follows: bool = False
    reaches: str = LAUNCH
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outages(self) -> int:
        """How often the client must find that it cannot connect."""
        return sum(isinstance(play.fault, ConnectionsRefused) for play in self.plays)


def _doubt(name: str, happens: str, wanted: str, fault: Fault, status: int | None = None) -> Trial:
    """Make a trial in which every launch is answered so that its outcome is unknown."""
    return Trial(name, happens, wanted, (Play(LAUNCH, None, fault),), leaves_doubt=True, status=status)


TRIALS: Final[tuple[Trial, ...]] = (
    Trial("plain", "nothing goes wrong", "Launches and tells the execution's id: else nothing below means anything."),
    _doubt(
        "reply-lost",
        "the launch is carried out, then the connection ends without an answer",
        "Says that the launch is in doubt and sends nothing again: the service knows no key that would let it see "
        "that the second request is the first one again.",
        DropAfterProcessing(),
    ),
    _doubt(
        "late-504",
        "the launch is carried out, then a gateway answers 504",
        "Says that it is in doubt: a 504 tells that the gateway stopped waiting, not that the service stopped working.",
        Status504AfterProcessing(),
        504,
    ),
    _doubt(
        "html-502",
        "a gateway answers 502 with an HTML page",
        "Says that it is in doubt: a gateway may lose the service before or after the launch. Survives an error that "
        "is not JSON.",
        HtmlBadGateway(),
        502,
    ),
    _doubt(
        "hang",
        "the launch is carried out and never answered",
        "Ends at its deadline and says that the launch is in doubt: a caller that hangs cannot even write down what "
        "it does not know.",
        Hang(FOR_EVER_S, processed=True),
    ),
    _doubt(
        "endless-body",
        "the launch is carried out; its answer comes one byte every few seconds",
        "Ends at its deadline: a limit on each read never ends such an answer, a limit on the call does.",
        DripBody(FOR_EVER_S),
    ),
    _doubt(
        "truncated-body",
        "the launch is carried out; the JSON of its answer stops in the middle",
        "Says that it is in doubt: status 200 without an id is a launch that runs and cannot be followed.",
        TruncatedJson(),
    ),
    Trial(
        "slow-body",
        "the answer's body takes a second",
        "Waits for it: that is well within the deadline.",
        (Play(LAUNCH, None, DripBody(1.0)),),
    ),
    Trial(
        "429-with-header",
        f"the first launch is refused with 429 and Retry-After: {WAIT_S}",
        "Waits as long as told and launches then: a 429 says that nothing was done.",
        (Play(LAUNCH, 1, Status(429, retry_after_s=WAIT_S)),),
        status=429,
        wait_s=WAIT_S,
    ),
    Trial(
        "429-without-header",
        "the first launch is refused with 429 without Retry-After",
        "Waits a little of its own choice and launches then.",
        (Play(LAUNCH, 1, Status(429)),),
        status=429,
    ),
    Trial(
        "token-revoked",
        "the token is revoked as the first launch arrives: 401",
        "Signs in again, once, and launches then: a 401 comes before anything is done.",
        (Play(LAUNCH, 1, TokenRevoked()),),
        status=401,
    ),
    Trial(
        "token-expired",
        f"two launches, and the token ends between them after the {TOKEN_LIFE_S} s it was said to live",
        "Renews the token and makes both launches: a job that runs for days meets this every day.",
        status=401,
        launches=2,
        pause_s=TOKEN_LIFE_S + 0.5,
        options={"token_life_s": TOKEN_LIFE_S},
    ),
    Trial(
        "404-after-launch",
        "the launch succeeds; the first two reads of its execution answer 404",
        "Reads on until the execution has ended: it may take a moment until it can be read.",
        (Play(LAUNCH, 1, NotFoundAfterLaunch(polls=2)),),
        status=404,
        follows=True,
    ),
    Trial(
        "refused-then-up",
        f"after the sign-in connections are refused, until {OUTAGE_S} s after the first refusal",
        "Connects again until its deadline: a refused connection carried nothing, so nothing can happen twice.",
        (Play(TOKEN, 1, ConnectionsRefused(OUTAGE_S, once_tried=True)),),
        reaches=TOKEN,
    ),
)
"""In the order in which they are played and shown."""


def chosen_trials(names: Sequence[str]) -> tuple[Trial, ...]:
    """Give the trials of these names in the table's order, all of them when there are none.

    Raises:
        SettingsError: one is not known.

    """
    known = {trial.name for trial in TRIALS}
    for name in names:
        if name not in known:
            raise SettingsError(
                f"there is no fault {name!r} to try", hint=f"Known: {', '.join(t.name for t in TRIALS)}."
            )
    return tuple(trial for trial in TRIALS if not names or trial.name in names)
