"""Every setting of a sandbox, the switchable guesses among them.

A field marked *guess* decides a point that no public material settles; `docs/reference/sandbox-fidelity.md`
lists each with its evidence. Durations are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from flowlaunch.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["CHOICES", "Options"]

CHOICES: dict[str, tuple[str, ...]] = {
    "contract": ("platform", "guide"),
    "clock": ("real", "virtual", "frozen"),
    "name_filter": ("wildcard", "contains", "exact"),
    "rate_window": ("fixed", "sliding"),
    "type_mismatch": ("fail", "refuse"),
    "completion_reason": ("exit_reason", "status"),
    "other_division": ("forbidden", "not_found"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How one sandbox behaves.

    Attributes:
        flows: folder of Archy YAML and .i3WorkFlow files, reloaded when it changes; None: only the world's flows.
        world: world file, the same as a mapping, or None for the built-in world.
        clock: `real`; `virtual`: real, but waits of flows are skipped; `frozen`: stands still until advanced.
        rate_per_minute: requests a minute for one token; None: no limit.
        db: SQLite file that keeps tokens, executions and uploaded flows; None: memory.
        tls: serve HTTPS with an own CA (extra `tls`).
        port: 0 picks a free one.
        seed: seeds execution ids, `Random()` in flows and faults by chance.
        execution_data: store rows for the instances query; off by default, as on the platform.
        token_life_s: life of an access token, unless its client sets another; None: 86,400 s as on the platform,
            3,600 s under the guide contract.
        journal_size: requests that the journal keeps.
        allowed_hosts: Host names to accept besides the loopback names and the bound address.
        strict_inputs: refuse unknown input data keys with 400 instead of dropping them.
        lax_auth: let requests without a token through with every permission, for clients that skip signing in.
        rate_headers: also send the `inin-ratelimit-*` headers that the platform dropped in 2021.
        bare_keys: guess; take `customerName` for `Flow.customerName`.
        form_credentials: guess; take client id and secret as form fields too (always so in the guide contract).
        name_filter: guess; how `name` filters lists: `*` is a wildcard, part of the name, or the whole name.
        rate_window: guess; a minute counted from the first request, or the last 60 seconds at any time.
        type_mismatch: guess; a value of the wrong type fails the run, or is refused at launch with 400.
        completion_reason: guess; a completed run reports its exit reason, or just `Success`.
        other_division: guess; a flow outside the client's divisions answers 403, or 404.
        token_requests_per_minute: guess; requests to the token endpoint for one client; None: no limit.
        retention_s: guess; how long an execution can be read ("several days").
        aggregate_delay_s: guess; how old a run is before the aggregate counts show it.
        flow_list_budget: entities a minute that lists of flows may deliver over all clients (official: 300,000).

    """

    flows: Path | None = None
    world: Path | Mapping[str, Any] | None = None
    contract: Literal["platform", "guide"] = "platform"
    clock: Literal["real", "virtual", "frozen"] = "real"
    rate_per_minute: int | None = 300
    db: Path | None = None
    tls: bool = False
    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 0
    execution_data: bool = False
    token_life_s: int | None = None
    journal_size: int = 10_000
    allowed_hosts: tuple[str, ...] = ()
    strict_inputs: bool = False
    lax_auth: bool = False
    rate_headers: bool = False
    bare_keys: bool = False
    form_credentials: bool = False
    name_filter: Literal["wildcard", "contains", "exact"] = "wildcard"
    rate_window: Literal["fixed", "sliding"] = "fixed"
    type_mismatch: Literal["fail", "refuse"] = "fail"
    completion_reason: Literal["exit_reason", "status"] = "exit_reason"
    other_division: Literal["forbidden", "not_found"] = "forbidden"
    token_requests_per_minute: int | None = None
    retention_s: float = 7 * 86_400.0
    aggregate_delay_s: float = 0.0
    flow_list_budget: int | None = 300_000

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise SandboxError(
                    f"sandbox option {name}={getattr(self, name)!r} is not one of {', '.join(allowed)}",
                    hint=f"Give {name} one of: {', '.join(allowed)}.",
                )
        for name in ("rate_per_minute", "token_requests_per_minute", "flow_list_budget"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SandboxError(f"sandbox option {name}={value} is below 1", hint="Use None for no limit.")
        if (self.token_life_s is not None and self.token_life_s < 1) or self.journal_size < 0:
            raise SandboxError("token_life_s must be at least 1 and journal_size at least 0")

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """List the options in order."""
        return tuple(field.name for field in fields(cls))
