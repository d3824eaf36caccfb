"""What a client under test is given, and what it may say: the whole contract between kit and client."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OUTCOMES", "VARIABLES", "About", "Statement", "Task", "read_line"]

VARIABLES: Final[Mapping[str, str]] = {
    "CONFORMANCE_API_URL": "base URL of the API, without a slash at its end",
    "CONFORMANCE_LOGIN_URL": "base URL of the login host; `/oauth/token` is under it",
    "CONFORMANCE_CLIENT_ID": "id of an OAuth client with the client-credentials grant",
    "CONFORMANCE_CLIENT_SECRET": "its secret",
    "CONFORMANCE_FLOW_ID": "id of the flow to launch",
    "CONFORMANCE_INPUT": "the launch's `inputData`, a JSON object",
    "CONFORMANCE_DEADLINE_S": "seconds that one launch may take, sign-in and repeats included",
    "CONFORMANCE_LAUNCHES": "how many launches to make, one after another, with one client object",
    "CONFORMANCE_PAUSE_S": "seconds to wait between two launches",
    "CONFORMANCE_FOLLOW": "`1`: read each launched execution until it has ended; `0`: do not",
}
"""Environment variable -> what it says."""

OUTCOMES: Final[Mapping[str, str]] = {
    "launched": "the launch was accepted; `id` is its execution",
    "not-launched": "the client knows that nothing was launched",
    "in-doubt": "it was sent, and nobody can tell from the answer whether it runs",
    "failed": "the client gave an error that does not say which of the two",
}


SHOWN_CHARS: Final = 80
"""Of a word that is none of the contract's."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task for a client. Durations are in seconds."""

    api_url: str
    client_id: str
    client_secret: str = field(repr=False)
    flow_id: str
    input_data: Mapping[str, Any]
    deadline_s: float
    launches: int = 1
    pause_s: float = 0.0
    follows: bool = False

    def environment(self) -> dict[str, str]:
        """Spell the task as environment variables."""
        values = (
            self.api_url,
            self.api_url,
            self.client_id,
            self.client_secret,
            self.flow_id,
            json.dumps(self.input_data),
            f"{self.deadline_s:g}",
            str(self.launches),
            f"{self.pause_s:g}",
            str(int(self.follows)),
        )
        return dict(zip(VARIABLES, values, strict=True))

    @property
    def budget_s(self) -> float:
        """Seconds for the whole task: each launch, each pause, and as long as one launch again for following."""
        return self.deadline_s * (self.launches + self.follows) + self.pause_s * (self.launches - 1)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a client says of one launch.

    Attributes:
        outcome: one of OUTCOMES.
        execution_id: of a launch that was accepted.
        error: name of the error, such as its class.
        status: HTTP status that the error tells; None when it tells none.
        message: the error's text.
        final_status: how the execution ended, when it was followed.

    """

    outcome: str
    execution_id: str = ""
    error: str = ""
    status: int | None = None
    message: str = ""
    final_status: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What a client says of itself: its name with its version, and the settings it runs with."""

    client: str
    settings: str = ""


def read_line(line: str) -> Statement | About | str | None:
    """Read one line of standard output.

    Returns:
        What it says; a text that says why it cannot be read; None for a line that is none of the contract's,
        such as a library's greeting.

    """
    try:
        said = json.loads(line.lstrip("\ufeff"))  # some languages begin their output with it
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    if "outcome" in said:
        return _statement(said)
    if isinstance(said.get("client"), str):
        return About(_text(said["client"]), _text(said.get("settings")))
    return None


def _statement(said: Mapping[str, Any]) -> Statement | str:
    outcome, status = said["outcome"], said.get("status")
    if not isinstance(outcome, str) or outcome not in OUTCOMES:
        return f"outcome {ascii(outcome)[:SHOWN_CHARS]} is none of {', '.join(OUTCOMES)}"
    if outcome == "launched" and not isinstance(said.get("id"), str):
        return "a launched line must have the execution's `id`, a text"
    return Statement(
        outcome,
        execution_id=_text(said.get("id")),
        error=_text(said.get("error")),
        status=status if isinstance(status, int) else None,
        message=_text(said.get("message")),
        final_status=_text(said.get("final_status")),
    )


def _text(value: Any) -> str:
    """Give a value as a text that can be written: half of a pair of surrogates, as a cut text may end in, cannot."""
    return str(value or "").encode("utf-8", "replace").decode("utf-8")
