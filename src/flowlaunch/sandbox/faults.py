"""Faults as data: what goes wrong, at which call of which operation, or how often by chance."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, get_args

from flowlaunch.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "FAULTS",
    "ConnectionsRefused",
    "Delay",
    "DripBody",
    "DropAfterProcessing",
    "DropBeforeReading",
    "Fault",
    "Faults",
    "Hang",
    "HtmlBadGateway",
    "NotFoundAfterLaunch",
    "ResetMidBody",
    "Status",
    "Status504AfterProcessing",
    "TokenRefused",
    "TokenRevoked",
    "TruncatedJson",
    "fault_from_json",
    "fault_to_json",
]


@dataclass(frozen=True, slots=True)
class DropBeforeReading:
    """Close the connection without reading the request; nothing is done."""


@dataclass(frozen=True, slots=True)
class DropAfterProcessing:
    """Do what was asked, then close the connection without an answer: done, reply lost."""


@dataclass(frozen=True, slots=True)
class ResetMidBody:
    """Do what was asked, send half of the answer's body, then reset the connection."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Read the request, say nothing for `seconds` of real time (or until the sandbox stops), then close.

    `processed`: whether the request was carried out first.
    """

    seconds: float = 3_600.0
    processed: bool = False


@dataclass(frozen=True, slots=True)
class Delay:
    """Answer as usual, `seconds` of real time later."""

    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class DripBody:
    """Answer as usual, but with a body that comes byte by byte, evenly over `seconds` of real time."""

    seconds: float = 3_600.0


@dataclass(frozen=True, slots=True)
class ConnectionsRefused:
    """Answer as usual and close the connection, then refuse every new one for `seconds` of real time.

    `once_tried` counts them from the first connection that is refused, whenever it comes, where the system can tell
    (Linux): that one gets its refusal after a second. Elsewhere they begin at once.
    """

    seconds: float = 1.0
    once_tried: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status instead of carrying the request out.

    `retry_after_s` None sends no Retry-After. `body` None sends the official error body.
    """

    code: int = 503
    retry_after_s: int | None = None
    body: str | None = None
    server_code: str | None = None


@dataclass(frozen=True, slots=True)
class HtmlBadGateway:
    """Answer 502 with an HTML page, as a gateway in front of the service does; nothing is done."""


@dataclass(frozen=True, slots=True)
class TruncatedJson:
    """Do what was asked and answer with JSON that stops in the middle."""


@dataclass(frozen=True, slots=True)
class TokenRevoked:
    """Revoke the bearer token of the request: 401 now and for that token from now on."""


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """Refuse at the token endpoint: 400 `invalid_client`, or 400 `invalid_request` for too many requests."""

    reason: str = "invalid_client"


@dataclass(frozen=True, slots=True)
class NotFoundAfterLaunch:
    """Launch as usual, but answer 404 to the first `polls` reads and to reads in the first `seconds`."""

    seconds: float = 0.0
    polls: int = 1


@dataclass(frozen=True, slots=True)
class Status504AfterProcessing:
    """Do what was asked, then answer 504."""


Fault: TypeAlias = (
    DropBeforeReading
    | DropAfterProcessing
    | ResetMidBody
    | Hang
    | Delay
    | DripBody
    | ConnectionsRefused
    | Status
    | HtmlBadGateway
    | TruncatedJson
    | TokenRevoked
    | TokenRefused
    | NotFoundAfterLaunch
    | Status504AfterProcessing
)
FAULTS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Fault)}
_BY_FOLDED = {name.lower(): kind for name, kind in FAULTS.items()}
ONLY_AT: dict[type[Any], str] = {TokenRefused: "token", NotFoundAfterLaunch: "executions.launch"}
REFUSALS = ("invalid_client", "rate_limit")


def fault_to_json(fault: Fault) -> dict[str, Any]:
    """Render a fault as `{"kind": name, ...fields}`."""
    return {"kind": type(fault).__name__, **asdict(fault)}


def fault_from_json(document: Any) -> Fault:
    """Read a fault from `{"kind": name, ...fields}`, or from its bare name; case, `-` and `_` in it do not matter."""
    given = {"kind": document} if isinstance(document, str) else document
    name = given.get("kind") if isinstance(given, dict) else None
    kind = _BY_FOLDED.get(name.lower().replace("-", "").replace("_", "")) if isinstance(name, str) else None
    if kind is None:
        raise SandboxError(f"fault {document!r} is unknown", hint=f"Known kinds: {', '.join(FAULTS)}.")
    values = {key: value for key, value in given.items() if key != "kind"}
    known = {field.name: str(field.type) for field in fields(kind)}
    for key, value in values.items():
        if key not in known:
            raise SandboxError(f"fault {name} has no field `{key}`", hint=f"Known: {', '.join(known)}.")
        if not _fits(value, known[key]):
            raise SandboxError(f"fault {name}: `{key}` must be {known[key]}, not {value!r}")
    fault: Fault = kind(**values)
    return fault


def _fits(value: Any, declared: str) -> bool:
    accepted: dict[str, type | tuple[type, ...]] = {"float": (int, float), "int": int, "bool": bool, "str": str}
    if value is None:
        return "None" in declared
    name = declared.removesuffix(" | None")
    return isinstance(value, accepted[name]) and (name == "bool" or not isinstance(value, bool))


class Faults:
    """Which fault is due, by operation and call number (counted from 1 since the start or `clear`), or by chance.

    The same seed and the same order of calls give the same faults.
    """

    NOT_EMULATED: ClassVar[str] = "unknown"

    def __init__(self, operations: Iterable[str], seed: int) -> None:
        self._operations = frozenset(operations)
        self._seed = seed
        self.clear()

    def clear(self) -> None:
        """Forget every fault and count calls from 1 again."""
        self._script: dict[tuple[str, int], Fault] = {}
        self._always: dict[str, Fault] = {}
        self._chances: dict[str, list[tuple[Fault, float]]] = {}
        self.calls: Counter[str] = Counter()
        self._draw = random.Random(f"faults/{self._seed}").random  # noqa: S311 - replayable on purpose
        self.active = False

    def script(self, operation: str, call_number: int | Iterable[int] | None, fault: Fault) -> None:
        """Play `fault` at that call, at each of those calls, or (None) at every call."""
        self._check(operation, fault)
        if call_number is None:
            self._always[operation] = fault
        else:
            numbers = [call_number] if isinstance(call_number, int) else list(call_number)
            if any(number < 1 for number in numbers):
                raise SandboxError(f"call numbers count from 1, not {min(numbers)}")
            self._script.update({(operation, number): fault for number in numbers})
        self.active = True

    def next(self, operation: str, fault: Fault, times: int = 1) -> None:
        """Play `fault` at the next `times` calls."""
        seen = self.calls[operation]
        self.script(operation, range(seen + 1, seen + 1 + times), fault)

    def chance(self, operation: str, fault: Fault, probability: float) -> None:
        """Play `fault` at each call with that probability (0..1)."""
        self._check(operation, fault)
        if not 0 <= probability <= 1:
            raise SandboxError(f"probability {probability} is not between 0 and 1")
        self._chances.setdefault(operation, []).append((fault, probability))
        self.active = True

    def due(self, operation: str) -> Fault | None:
        """Count a call and give the fault to play, if any."""
        number = self.calls[operation] = self.calls[operation] + 1
        if not self.active:
            return None
        fault = self._script.get((operation, number)) or self._always.get(operation)
        for each, probability in self._chances.get(operation, ()):
            hit = self._draw() < probability
            fault = fault or (each if hit else None)
        return fault

    @property
    def count(self) -> int:
        """Count the faults that are set."""
        return len(self._script) + len(self._always) + sum(map(len, self._chances.values()))

    def as_json(self) -> dict[str, Any]:
        """Show what is scripted and how often each operation was called."""
        return {
            "script": [
                {"operation": operation, "call": number, "fault": fault_to_json(fault)}
                for (operation, number), fault in sorted(self._script.items(), key=lambda item: item[0])
            ]
            + [{"operation": name, "call": None, "fault": fault_to_json(f)} for name, f in self._always.items()],
            "chances": [
                {"operation": operation, "probability": probability, "fault": fault_to_json(fault)}
                for operation, chances in self._chances.items()
                for fault, probability in chances
            ],
            "calls": dict(self.calls),
        }

    def _check(self, operation: str, fault: Fault) -> None:
        if operation not in self._operations:
            known = ", ".join(sorted(self._operations))
            raise SandboxError(f"operation {operation!r} is unknown", hint=f"Known: {known}.")
        if not isinstance(fault, tuple(FAULTS.values())):
            raise SandboxError(f"{fault!r} is no fault", hint=f"Known: {', '.join(FAULTS)}.")
        only = ONLY_AT.get(type(fault))
        if only is not None and operation != only:
            raise SandboxError(f"{type(fault).__name__} only makes sense at {only}, not at {operation}")
        if isinstance(fault, TokenRevoked) and operation == "token":
            raise SandboxError("TokenRevoked needs a request with a bearer token", hint="Use TokenRefused at `token`.")
        if isinstance(fault, TokenRefused) and fault.reason not in REFUSALS:
            raise SandboxError(f"TokenRefused reason {fault.reason!r} is not one of {', '.join(REFUSALS)}")
