"""What a wire contract consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Evidence = Literal["official", "observed", "guess"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API.

    `title` completes "could not …" in messages. `is_repeatable` says that sending it twice does no harm.
    `right` is the permission or scope that it needs (`""` for none).
    """

    name: str
    title: str
    method: str
    path: str
    right: str
    is_repeatable: bool
    evidence: Evidence

    @property
    def is_launch(self) -> bool:
        """Whether an unknown outcome means that a flow may be running."""
        return not self.is_repeatable


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where and how a token is asked for; `refused_statuses` mean wrong credentials."""

    host: Literal["login", "api"]
    path: str
    client_auth: Literal["basic", "form"]
    refused_statuses: frozenset[int]
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class LaunchFields:
    """Names in a launch's body and answer; None where the contract has no such field."""

    flow: str
    input_data: str
    version: str | None
    name: str | None
    context: str | None
    execution_id: str


@dataclass(frozen=True, slots=True)
class ExecutionFields:
    """Names in an execution's answer."""

    execution_id: tuple[str, ...]
    output_data: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """One reading of the API.

    `input_prefix` is what input names carry on the wire; `schema_prefix` is what they carry in a flow's schema and
    not on the wire. `takes_undeclared_keys` says that an open input schema
    means what it says: keys that it does not name reach the flow.
    """

    name: str
    token: TokenEndpoint
    launch: LaunchFields
    execution: ExecutionFields
    input_prefix: str
    schema_prefix: str
    takes_undeclared_keys: bool
    operations: Mapping[str, Operation] = field(repr=False)

    def operation(self, name: str) -> Operation:
        """Return the operation called `name`; the contracts' tables are complete, which a test checks."""
        return self.operations[name]
