"""What every plan of one client reads: the contract, the hosts, the policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlencode

from flowlaunch._core.messages import Call
from flowlaunch._core.retry import RetryPolicy
from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.contracts import Contract
    from flowlaunch.regions import Hosts

PreflightMode = Literal["strict", "warn", "off"]
PREFLIGHT_MODES: tuple[PreflightMode, ...] = ("strict", "warn", "off")


@dataclass(frozen=True, slots=True)
class Api:
    """One org as one client sees it. Times in seconds.

    `flow_fresh_s` is how long a flow's published version is believed before it is read again;
    `sends_idempotency_key` adds the caller's key as an `Idempotency-Key` header to a launch, which the platform
    most likely ignores (guess).
    """

    contract: Contract
    hosts: Hosts
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    preflight: PreflightMode = "strict"
    timeout_s: float = 30.0
    flow_fresh_s: float = 60.0
    sends_idempotency_key: bool = True
    user_agent: str = "flowlaunch"

    def __post_init__(self) -> None:
        self.mode(self.preflight)
        if not self.timeout_s > 0:
            raise SettingsError(
                f"the time for a call must be positive, not {self.timeout_s!r}", hint="Give seconds, e.g. 30."
            )

    def mode(self, given: str | None) -> PreflightMode:
        """Return the preflight mode for a launch: what was `given` for it, else the client's."""
        found = next((mode for mode in PREFLIGHT_MODES if mode == (given or self.preflight)), None)
        if found is None:
            raise SettingsError(f"unknown preflight mode {given!r}", hint=f"Use one of: {', '.join(PREFLIGHT_MODES)}.")
        return found

    def time_s(self, given_s: float | None) -> float:
        """Return the time for a call: what was given for it (none at all counts, too), else the client's."""
        return self.timeout_s if given_s is None else given_s

    def call(
        self,
        operation: str,
        *,
        subject: str = "",
        query: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **parts: str,
    ) -> Call:
        """Build the call of `operation`; `parts` fill its path, empty query values are left out."""
        found = self.contract.operation(operation)
        path = found.path
        if parts:
            path = path.format_map({name: quote(text, safe="") for name, text in parts.items()})
        url = self.hosts.api_url + path
        given = [(name, value) for name, value in query.items() if value not in (None, "")] if query else None
        if given:
            url = f"{url}?{urlencode(given, doseq=True)}"
        return Call(found, url, body, headers or {}, subject)
