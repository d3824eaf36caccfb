"""What exists in the emulated organization: divisions, clients, users, flows and the things flows ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowlaunch.architect.dialect import DEFAULT, Dialect
from flowlaunch.architect.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowlaunch.architect.flow import Flow
    from flowlaunch.architect.stubs.model import ActionStub, DataActionStub, DecisionRow, StubTable
    from flowlaunch.sandbox.permissions import Rights

__all__ = [
    "Division",
    "FlowRecord",
    "FlowVersion",
    "OAuthClient",
    "Organization",
    "Things",
    "User",
    "World",
]


@dataclass(frozen=True, slots=True)
class Organization:
    """The organization that tokens belong to."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Division:
    """A division; every organization has `Home`."""

    id: str
    name: str

    def as_json(self) -> dict[str, str]:
        """Render as the API does."""
        return {"id": self.id, "name": self.name, "selfUri": f"/api/v2/authorization/divisions/{self.id}"}


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An OAuth client.

    Attributes:
        grants: grant types it may use, in the API's spelling: `CLIENT-CREDENTIALS`, `CODE`, `SAML2-BEARER`.
        rights: what its client credentials tokens may do; tokens of a user have the user's rights.
        scopes: bound tokens of users under the platform contract, and every token under the guide contract.
        role_divisions: (role id, division id or `*`) pairs, for `GET /tokens/me`.
        redirect_uris: where codes may be sent; empty: any loopback address.
        token_life_s: life of its access tokens in seconds; None: the sandbox's.

    """

    id: str
    secret: str
    name: str
    grants: tuple[str, ...]
    rights: Rights
    scopes: tuple[str, ...] = ()
    role_divisions: tuple[tuple[str, str], ...] = ()
    redirect_uris: tuple[str, ...] = ()
    token_life_s: int | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A user who can sign in (codes, SAML2) and be found by flows."""

    id: str
    name: str
    email: str
    rights: Rights
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class FlowVersion:
    """One version of a flow.

    Attributes:
        program: the loaded flow; None for types that the sandbox does not run.
        input_names: keys that `inputData` may have, e.g. `Flow.orderId`.
        required: those of them that a launch should give (our convention; see the fidelity page).
        published_at: None for a version that was only saved.

    """

    flow: FlowRecord
    number: str
    text: str
    created_at: float
    published_at: float | None
    program: Flow | None = None
    input_schema: dict[str, Any] = field(default_factory=dict)
    output_schema: dict[str, Any] = field(default_factory=dict)
    input_names: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    launch_tail: bytes = b""

    @property
    def self_uri(self) -> str:
        """Give the version's path."""
        return f"/api/v2/flows/{self.flow.id}/versions/{self.number}"


@dataclass(slots=True)
class FlowRecord:
    """A flow and its versions, oldest first.

    Attributes:
        type: upper case, e.g. `WORKFLOW`.
        start_event: guide contract: `specific` (declared fields only) or `generic` (any data).
        is_shared: guide contract: may be executed as a shared flow.
        required: bare or full names given by the world file; None: taken from the variables' descriptions.
        problem: why the latest text could not be loaded; earlier versions still run.
        origin: where it came from: `world`, `upload`, or the file's name in the flow folder.

    """

    id: str
    name: str
    type: str
    division: Division
    description: str = ""
    versions: list[FlowVersion] = field(default_factory=list)
    is_active: bool = True
    is_deleted: bool = False
    start_event: str = "specific"
    is_shared: bool = False
    required: tuple[str, ...] | None = None
    problem: str | None = None
    origin: str = "world"
    current: FlowVersion | None = None

    @property
    def latest(self) -> FlowVersion | None:
        """Give the newest version, published or not."""
        return self.versions[-1] if self.versions else None

    def version(self, wanted: str) -> FlowVersion | None:
        """Find a version by its number; `2` and `2.0` are the same."""
        number = wanted if "." in wanted else f"{wanted}.0"
        return next((version for version in self.versions if version.number == number), None)


@dataclass(slots=True)
class Things:
    """What running flows read and change.

    Attributes:
        tables: data tables by name.
        decision_tables: rows of decision tables by name.
        kinds: kind of network object (`queue`, `user`, `externalContact`...) -> rows with `id`, `name`...
        conversations: (conversation id, participant id or "") -> attributes.
        outbox: notifications that flows sent.
        events: what else flows did (`setFlowOutcome`...), for the record.
        stub_calls: how often each stub has answered, by its place in the world file: sequences go on from there.

    """

    tables: dict[str, StubTable] = field(default_factory=dict)
    decision_tables: dict[str, tuple[DecisionRow, ...]] = field(default_factory=dict)
    kinds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    schedules: dict[str, str] = field(default_factory=dict)
    conversations: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    outbox: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    stub_calls: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """One organization.

    Attributes:
        stubs: how data actions answer, first match wins.
        action_stubs: how single actions end, by kind and name; they come before everything else.
        slots: fill the `{{name}}` places of flow files.
        rules, dialect: switches for what nothing public settles about runs and expressions.

    """

    organization: Organization
    divisions: dict[str, Division]
    clients: dict[str, OAuthClient]
    users: dict[str, User]
    flows: dict[str, FlowRecord] = field(default_factory=dict)
    stubs: tuple[DataActionStub, ...] = ()
    action_stubs: tuple[ActionStub, ...] = ()
    things: Things = field(default_factory=Things)
    slots: dict[str, str] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    dialect: Dialect = DEFAULT

    @property
    def home(self) -> Division:
        """Give the home division."""
        return next(iter(self.divisions.values()))

    def division(self, wanted: str) -> Division | None:
        """Find a division by id or, in any letter case, by name."""
        return self.divisions.get(wanted) or next(
            (division for division in self.divisions.values() if division.name.casefold() == wanted.casefold()), None
        )

    def visible_flows(self) -> Iterator[FlowRecord]:
        """Give the flows that are not deleted."""
        return (flow for flow in self.flows.values() if not flow.is_deleted)

    def find_flow(self, name: str, flow_type: str, division: Division) -> FlowRecord | None:
        """Find a flow by the three things that make it unique."""
        return next(
            (
                flow
                for flow in self.flows.values()
                if (flow.name, flow.type, flow.division.id) == (name, flow_type, division.id)
            ),
            None,
        )
