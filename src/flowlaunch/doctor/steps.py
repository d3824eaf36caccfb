"""Walk from the settings to the flow, one step after the other, and say what to fix.

The steps are a table; a step whose needs were not met is skipped. Nothing is launched.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from flowlaunch.doctor import probes
from flowlaunch.errors import (
    FlowlaunchError,
    FlowLookupError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
)
from flowlaunch.regions import Hosts, resolve_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowlaunch._io.network import Network
    from flowlaunch.client import Client
    from flowlaunch.doctor.probes import Greeting
    from flowlaunch.models import Flow, Identity
    from flowlaunch.settings import Settings

__all__ = ["STEPS", "Patient", "Step", "examine"]

State = Literal["ok", "warning", "failed", "skipped", "unknown"]

SKEW_WARN_S: Final = 30.0
CERTIFICATE_WARN_DAYS: Final = 14.0
PROBE_S: Final = 10.0
_NO_EXECUTION: Final = "00000000-0000-4000-8000-000000000000"
_LIMIT_KEYS: Final = ("client.credentials.token.rate.per.minute", "token.rate.per.minute")


@dataclass(frozen=True, slots=True)
class Step:
    """What one step found; `error` is what made it fail."""

    name: str
    state: State
    found: str
    cure: str = ""
    error: FlowlaunchError | None = None


@dataclass(slots=True)
class Patient:
    """What is examined, and what the steps before have found out."""

    load: Callable[[], Settings]
    connect: Callable[[Settings], Client]
    flow: str | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    settings: Settings | None = None
    client: Client | None = None
    greetings: list[Greeting] = field(default_factory=list)
    identity: Identity | None = None
    found_flow: Flow | None = None

    @property
    def loaded(self) -> Settings:
        """The settings that the first step loaded."""
        if self.settings is None:
            self.settings = self.load()
        return self.settings

    @property
    def hosts(self) -> Hosts:
        """Where the org answers."""
        return resolve_region(self.loaded.region, login_url=self.loaded.login_url)

    @property
    def open_client(self) -> Client:
        """The client that the steps above HTTP share."""
        if self.client is None:
            self.client = self.connect(self.loaded)
        return self.client


@dataclass(frozen=True, slots=True)
class _Examination:
    name: str
    look: Callable[[Patient], Step]
    needs: tuple[str, ...] = ()


def examine(patient: Patient) -> Iterator[Step]:
    """Take every step in turn and tell what it found, at once."""
    stopped: set[str] = set()
    for examination in STEPS:
        unmet = [name for name in examination.needs if name in stopped]
        skipped = Step(examination.name, "skipped", f"needs {unmet[0]}") if unmet else None
        step = skipped or _look(examination, patient)
        if step.state in {"failed", "skipped"}:
            stopped.add(step.name)
        yield step


def _look(examination: _Examination, patient: Patient) -> Step:
    try:
        return examination.look(patient)
    except FlowlaunchError as error:
        return Step(examination.name, "failed", error.message, error.hint, error)


def _settings(patient: Patient) -> Step:
    settings = patient.loaded
    _ = patient.open_client  # refuses settings without credentials
    token = f"a given access token ({settings.sources['access_token']})"
    who = token if settings.access_token else f"client {settings.client_id}"
    profile = f", profile {settings.profile}" if settings.profile else ""
    found = f"region {settings.region} ({settings.sources['region']}), {who}{profile}"
    if settings.warnings:
        return Step("settings", "warning", found, "; ".join(settings.warnings))
    return Step("settings", "ok", found)


def _targets(patient: Patient) -> list[tuple[probes.Endpoint, bool]]:
    """Tell what this machine connects to first, and whether that is a proxy: the hosts, or the proxy before them."""
    network = _network(patient)
    targets: dict[probes.Endpoint, bool] = {}
    for url in (patient.hosts.login_url, patient.hosts.api_url):
        proxy = network.proxy_for(url)
        targets[probes.endpoint_of(proxy or url)] = proxy is not None
    return list(targets.items())


def _network(patient: Patient) -> Network:
    from flowlaunch._io.network import Network  # noqa: PLC0415 - keeps this module light to import

    settings = patient.loaded
    return Network(settings.proxy, settings.ca_file, settings.client_cert_file, settings.client_key_file)


def _lookup(patient: Patient) -> Step:
    told = []
    for endpoint, is_proxy in _targets(patient):
        addresses = probes.lookup(endpoint)
        told.append(f"{'proxy ' if is_proxy else ''}{endpoint.host} is {addresses[0]}")
    return Step("name lookup", "ok", "; ".join(told))


def _connection(patient: Patient) -> Step:
    context = _network(patient).tls()
    told, worries = [], []
    for endpoint, is_proxy in _targets(patient):
        greeting = probes.connect(endpoint, context if endpoint.is_tls else None, PROBE_S)
        days = greeting.certificate_days
        if not is_proxy:
            patient.greetings.append(greeting)
        kind = greeting.tls_version or ("a proxy; TLS behind it is tested by sign-in" if is_proxy else "no TLS")
        told.append(f"{endpoint} in {greeting.elapsed_s * 1000:.0f} ms, {kind}")
        if days is not None and days < CERTIFICATE_WARN_DAYS:
            worries.append(f"the certificate of {endpoint} ends in {days:.0f} days")
    return Step("connection", "warning" if worries else "ok", "; ".join(told), "; ".join(worries))


def _clock(patient: Patient) -> Step:
    times = [greeting.server_time for greeting in patient.greetings if greeting.server_time]
    if not times:
        return Step("clock", "unknown", "no server told its time")
    skew_s = (patient.now() - times[-1]).total_seconds()
    found = f"this machine is {abs(skew_s):.0f} s {'ahead' if skew_s > 0 else 'behind'}"
    if abs(skew_s) <= SKEW_WARN_S:
        return Step("clock", "ok", found)
    cure = "set the clock (NTP): certificates, SAML assertions and your logs depend on it; tokens are timed without it"
    return Step("clock", "warning", found, cure)


def _sign_in(patient: Patient) -> Step:
    patient.identity = patient.open_client.whoami(timeout_s=patient.loaded.timeout_s)
    return Step("sign-in", "ok", f"{patient.hosts.login_url} gave a token and {patient.hosts.api_url} takes it")


def _whoami(patient: Patient) -> Step:
    identity = patient.identity
    if identity is None:
        return Step("whoami", "unknown", "the platform did not tell")
    name = identity.client_name or identity.client_id or "a user"
    org = identity.organization_name or identity.organization_id or "an org that was not told"
    return Step("whoami", "ok", f"{name} in {org}")


def _may_list(patient: Patient) -> Step:
    flows = patient.open_client.flows(page_size=1)
    first = next(flows, None)
    found = "flows can be listed" if first else "flows can be listed, and there is no workflow in the divisions seen"
    if first:
        return Step("list flows", "ok", found)
    return Step("list flows", "warning", found, "publish a workflow, or let the role cover the flow's division")


def _may_read(patient: Patient) -> Step:
    with suppress(NotFoundError, InvalidRequestError):  # it was looked for, so it may be read
        patient.open_client.status(_NO_EXECUTION)
    return Step("read executions", "ok", "executions can be read")


def _may_launch(patient: Patient) -> Step:
    right = "architect:flow:launch" if patient.loaded.contract == "platform" else "flow:execution:write"
    return Step(
        "launch permission",
        "unknown",
        "cannot be told without launching: the platform names no permissions of a token",
        f"see that a role of the OAuth client holds {right}, in the flow's division",
    )


def _limits(patient: Patient) -> Step:
    try:
        limits = {limit.key: limit.value for limit in patient.open_client.limits()}
    except (NotFoundError, PermissionDeniedError) as error:
        return Step("limits", "unknown", error.message)
    value = next((limits[key] for key in _LIMIT_KEYS if limits.get(key)), None)
    pace = patient.loaded.pace_per_minute
    if value is None:
        return Step("limits", "unknown", "the org's requests a minute were not told")
    found = f"{value:g} requests a minute for one token; pace {'off' if pace is None else f'{pace:g}'}"
    if pace is None or pace > value:
        return Step("limits", "warning", found, f"set FLOWLAUNCH_PACE={value:g}: more is refused with 429")
    return Step("limits", "ok", found)


def _flow(patient: Patient) -> Step:
    reference = patient.flow or patient.loaded.flow
    if not reference:
        return Step("flow", "skipped", "no flow was named", "flowlaunch doctor FLOW looks at one")
    flow = patient.open_client.find_flow(reference)
    patient.found_flow = flow
    version = flow.published_version
    if version is None:
        error = FlowLookupError(
            f"flow {flow.name} ({flow.id}) was never published",
            code="flow-not-published",
            hint="Publish it in Architect.",
        )
        return Step("flow", "failed", error.message, error.hint, error)
    found = f"{flow.name} ({flow.id}), version {version.name or version.id}"
    if flow.type and flow.type.upper() != "WORKFLOW":
        return Step("flow", "warning", f"{found}, type {flow.type}", "only workflows are known to be launchable")
    return Step("flow", "ok", found)


def _inputs(patient: Patient) -> Step:
    if patient.found_flow is None:
        return Step("inputs", "skipped", "needs flow")
    inputs = patient.open_client.flow_inputs(patient.found_flow)
    told = ", ".join(f"{one.name} ({one.type}{', required' if one.required else ''})" for one in inputs.inputs)
    return Step("inputs", "ok", told or "the flow takes no inputs")


STEPS: Final = (
    _Examination("settings", _settings),
    _Examination("name lookup", _lookup, ("settings",)),
    _Examination("connection", _connection, ("name lookup",)),
    _Examination("clock", _clock, ("connection",)),
    _Examination("sign-in", _sign_in, ("connection",)),
    _Examination("whoami", _whoami, ("sign-in",)),
    _Examination("list flows", _may_list, ("sign-in",)),
    _Examination("read executions", _may_read, ("sign-in",)),
    _Examination("launch permission", _may_launch, ("sign-in",)),
    _Examination("limits", _limits, ("sign-in",)),
    _Examination("flow", _flow, ("sign-in",)),
    _Examination("inputs", _inputs, ("flow",)),
)
"""The steps in order; `needs` names steps that must not have failed."""
