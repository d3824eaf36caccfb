"""Launch flows from tasks; every method is a plan of `_core`, run by the driver for tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlaunch._core import launching, reading
from flowlaunch._core.ends import execution_id_of, failure_of
from flowlaunch._core.flows import lookup_plan, page_plan
from flowlaunch._core.launching import Order
from flowlaunch._io.assembly import UNSET, Unset, assemble, settings_from
from flowlaunch._io.clock_async import AsyncClock, SystemAsyncClock
from flowlaunch._io.drive_async import AsyncDriver
from flowlaunch._io.http_async import AsyncTransport
from flowlaunch._io.wait_async import AsyncWaiter
from flowlaunch._version import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from flowlaunch._core.api import PreflightMode
    from flowlaunch.credentials import Credentials
    from flowlaunch.hooks import Hook
    from flowlaunch.models import (
        CheckReport,
        Execution,
        Flow,
        FlowInputs,
        FlowInstance,
        Identity,
        Launch,
        Limit,
        Preview,
    )
    from flowlaunch.settings import Settings

__all__ = ["AsyncClient"]


class AsyncClient:
    """One org, for any number of tasks of one event loop.

    What is not given comes from the environment and the profile file (`flowlaunch.load_settings`). Nothing is
    opened before the first call. The pace, the token and the waiting are shared by all who use the client.

    Args:
        region: region name, domain, host or base URL.
        client_id: id of an OAuth client with the client-credentials grant.
        client_secret: its secret.
        access_token: a token from elsewhere, instead of a client.
        credentials: any other way to sign in (`flowlaunch.credentials`).
        profile: profile of the settings file to read.
        settings: settings loaded before, instead of the environment and the profile file; what is given beside them
            overrides them.
        contract: `platform`, or `guide` for what popular guides describe.
        preflight: `strict` refuses input data that does not fit, `warn` logs it, `off` does not look.
        timeout_s: seconds for a whole call, retries and waits included.
        pace_per_minute: the org's requests a minute for this OAuth client (95 % of it is used); None for no pace.
        login_url: base URL of the login host, where it does not follow from the region.
        proxy: URL of an HTTP proxy; else the environment's.
        ca_file: PEM file of a CA to trust beside the system's.
        client_cert_file: PEM file of a client certificate.
        client_key_file: PEM file of its key, without a password.
        token_cache: file that keeps tokens between runs (mode 0600).
        hooks: called with every `flowlaunch.hooks.Event`.
        sends_idempotency_key: whether a launch's `key` goes out as an `Idempotency-Key` header (guess: ignored).
        clock: clock to wait by, for tests.

    Raises:
        SettingsError: a setting is missing or wrong.

    """

    def __init__(
        self,
        region: str | None = None,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        access_token: str | None = None,
        credentials: Credentials | None = None,
        profile: str | None = None,
        settings: Settings | None = None,
        contract: str | None = None,
        preflight: PreflightMode | None = None,
        timeout_s: float | None = None,
        pace_per_minute: float | Unset | None = UNSET,
        login_url: str | None = None,
        proxy: str | None = None,
        ca_file: Path | str | None = None,
        client_cert_file: Path | str | None = None,
        client_key_file: Path | str | None = None,
        token_cache: Path | str | None = None,
        hooks: Hook | None = None,
        sends_idempotency_key: bool = True,
        clock: AsyncClock | None = None,
    ) -> None:
        given = {
            "region": region,
            "client_id": client_id,
            "client_secret": client_secret,
            "access_token": access_token,
            "contract": contract,
            "preflight": preflight,
            "timeout_s": timeout_s,
            "pace_per_minute": pace_per_minute,
            "login_url": login_url,
            "proxy": proxy,
            "ca_file": ca_file,
            "client_cert_file": client_cert_file,
            "client_key_file": client_key_file,
            "token_cache": token_cache,
        }
        parts = assemble(
            settings_from(given, profile, settings),
            credentials=credentials,
            hook=hooks,
            sends_idempotency_key=sends_idempotency_key,
            version=__version__,
        )
        self._api = parts.shared.api
        time = clock or SystemAsyncClock()
        self._driver = AsyncDriver(parts.shared, AsyncTransport(parts.network), time)
        self._waiter = AsyncWaiter(parts.board, time, self._read)

    @classmethod
    def from_settings(cls, settings: Settings, **options: Any) -> Self:
        """Make a client of `settings`; `options` are the constructor's other arguments and override them."""
        return cls(settings=settings, **options)

    async def launch(
        self,
        flow: str | Flow,
        input_data: object = None,
        *,
        version: str | None = None,
        name: str | None = None,
        key: str | None = None,
        preflight: PreflightMode | None = None,
        timeout_s: float | None = None,
    ) -> Launch:
        """Start one execution of `flow` and return as soon as the platform has accepted it.

        Args:
            flow: a flow's id, its exact name, or a Flow.
            input_data: input name -> JSON value as a mapping, a dataclass, a msgspec struct or a pydantic model;
                `customerName` is sent as `Flow.customerName` where the flow has such an input; at most 512,000
                bytes once encoded.
            version: version to launch; None launches the published one.
            name: label of the execution; it need not be unique and cannot be searched for.
            key: your own name for this launch; it stands in the error if the launch is in doubt.
            preflight: instead of the client's mode, for this launch.
            timeout_s: seconds for the whole call, instead of the client's.

        Raises:
            PreflightError: the input data does not fit; nothing was sent.
            FlowLookupError: the flow is unknown, ambiguous or not published; nothing was launched.
            LaunchInDoubtError: it was sent and may be running: look before launching again.
            RateLimitedError: refused until its `retry_after_s`; nothing was launched.
            AuthenticationError: signing in failed or the token was refused; nothing was launched.
            PermissionDeniedError: the client's role lacks architect:flow:launch; nothing was launched.
            NotSentError: the service could not be reached; nothing was launched, repeating is safe.
            DeadlineError: time ran out before it was sent; nothing was launched, repeating is safe.

        Source: POST /api/v2/flows/executions, permission architect:flow:launch (official, 2026-11).

        """
        order = Order(flow, input_data, version, name, key)
        time_s = self._api.time_s(timeout_s)
        return await self._driver.run(launching.launch_plan(self._api, order, preflight, time_s))

    async def run(
        self,
        flow: str | Flow,
        input_data: object = None,
        *,
        version: str | None = None,
        name: str | None = None,
        key: str | None = None,
        preflight: PreflightMode | None = None,
        timeout_s: float | None = None,
        wait_s: float = 300.0,
        raise_on_failure: bool = True,
    ) -> Execution:
        """Launch `flow`, wait for its end and return the finished execution.

        Args and errors are those of `launch` and `wait`.

        Raises:
            ExecutionFailedError: the flow ran and failed; its `.execution` tells why.
            DeadlineError: it did not end within `wait_s`; it goes on, and its id is in `.details`.

        """
        launched = await self.launch(
            flow, input_data, version=version, name=name, key=key, preflight=preflight, timeout_s=timeout_s
        )
        return await self.wait(launched, wait_s=wait_s, raise_on_failure=raise_on_failure)

    async def status(self, execution: str | Launch, *, timeout_s: float | None = None) -> Execution:
        """Read an execution as it is now.

        Raises:
            NotFoundError: there is no such execution, or the platform has dropped it ("several days" after launch).

        Source: GET /api/v2/flows/executions/{id}, permission architect:flowExecution:view (official, 2026-11).

        """
        return await self._read(execution_id_of(execution), self._api.time_s(timeout_s))

    async def wait(
        self,
        execution: str | Launch,
        *,
        wait_s: float = 300.0,
        raise_on_failure: bool = False,
        on_status: Callable[[Execution], None] | None = None,
    ) -> Execution:
        """Return the execution once it has ended.

        It is read seldom, and more seldom as it ages; all waits on one client share one schedule and at most
        40 % of the pace. A 404 in the first seconds, lost answers and 5xx are waited out.

        Args:
            execution: an execution's id, or what `launch` returned.
            wait_s: seconds after which to give up.
            raise_on_failure: raise ExecutionFailedError when it ends otherwise than COMPLETED.
            on_status: called with the execution when its status is first seen and whenever it changes.

        Raises:
            DeadlineError: it did not end within `wait_s`; it goes on by itself, waiting again is safe.
            NotFoundError: there is no such execution.
            ExecutionFailedError: it failed, and `raise_on_failure` was set.

        """
        ended = await self._waiter.wait(execution_id_of(execution), wait_s, on_status)
        if raise_on_failure and not ended.succeeded:
            raise failure_of(ended)
        return ended

    async def check(
        self,
        flow: str | Flow,
        input_data: object = None,
        *,
        version: str | None = None,
        timeout_s: float | None = None,
    ) -> CheckReport:
        """Say what a launch would send and what is wrong with it; nothing is launched.

        Raises:
            FlowLookupError: the flow is unknown, ambiguous or not published.

        """
        order = Order(flow, input_data, version)
        return await self._driver.run(launching.check_plan(self._api, order, self._api.time_s(timeout_s)))

    async def preview(
        self,
        flow: str | Flow,
        input_data: object = None,
        *,
        version: str | None = None,
        name: str | None = None,
        key: str | None = None,
        preflight: PreflightMode | None = None,
        timeout_s: float | None = None,
    ) -> Preview:
        """Return the exact request that `launch` would send, its token hidden; nothing is launched."""
        order = Order(flow, input_data, version, name, key)
        time_s = self._api.time_s(timeout_s)
        return await self._driver.run(launching.preview_plan(self._api, order, preflight, time_s))

    async def flows(
        self,
        *,
        name: str | None = None,
        type: str | None = "workflow",  # noqa: A002 - the API's own word
        division_id: str | None = None,
        with_schemas: bool = False,
        page_size: int = 100,
        timeout_s: float | None = None,
    ) -> AsyncIterator[Flow]:
        """Iterate over the flows that this client may see, reading a page when it is needed.

        Args:
            name: the API's own name filter; how it matches is not published (guess: exact).
            type: a flow type, or None for all types.
            division_id: only flows of this division.
            with_schemas: whether flows carry their input and output schemas.
            page_size: flows a page, at most 500.
            timeout_s: seconds for each page, instead of the client's.

        """
        query = {
            "name": name,
            "type": type,
            "divisionId": division_id,
            "includeSchemas": "true" if with_schemas else None,
            "pageSize": page_size,
        }
        page, has_more = 1, True
        while has_more:
            flows, has_more = await self._driver.run(page_plan(self._api, query, page, self._api.time_s(timeout_s)))
            for flow in flows:
                yield flow
            page += 1

    async def find_flow(self, ref: str, *, timeout_s: float | None = None) -> Flow:
        """Return the flow that `ref`, an id or an exact name, names, with its schemas.

        Of several flows with one name the only workflow wins. Read at most once a minute.

        Raises:
            FlowLookupError: there is none, or there are several; `.candidates` has near names, or the ids.

        """
        return await self._driver.run(lookup_plan(self._api, ref, self._api.time_s(timeout_s)))

    async def flow_inputs(
        self, flow: str | Flow, *, version: str | None = None, timeout_s: float | None = None
    ) -> FlowInputs:
        """Return the inputs that `flow` takes: names as launches spell them, types, which are required."""
        return await self._driver.run(launching.inputs_plan(self._api, flow, version, self._api.time_s(timeout_s)))

    async def whoami(self, *, timeout_s: float | None = None) -> Identity:
        """Read who the token speaks for; needs no permission, so it tests the credentials alone."""
        return await self._driver.run(reading.whoami_plan(self._api, self._api.time_s(timeout_s)))

    async def limits(self, *, namespace: str | None = None, timeout_s: float | None = None) -> tuple[Limit, ...]:
        """Read the org's limits in `namespace` (`platform.api` when None); needs no permission."""
        return await self._driver.run(reading.limits_plan(self._api, namespace, self._api.time_s(timeout_s)))

    async def find_instances(
        self, flow_id: str, *, after: datetime, before: datetime, page_size: int = 200, timeout_s: float | None = None
    ) -> tuple[FlowInstance, ...]:
        """Find the runs of a flow that started between two aware instants, from the platform's execution data.

        The platform keeps it for 10 days, and only where it is switched on. At most 200 runs are found, not
        necessarily the newest ones.

        Raises:
            PermissionDeniedError: architect:flowInstance:search is missing.
            InvalidRequestError: execution data is off (guess: how the platform says so).

        Source: POST /api/v2/flows/instances/query (official, 2026-11).

        """
        time_s = self._api.time_s(timeout_s)
        return await self._driver.run(reading.instances_plan(self._api, flow_id, after, before, page_size, time_s))

    async def count_executions(
        self, flow_id: str, *, after: datetime, before: datetime, timeout_s: float | None = None
    ) -> int:
        """Count the runs of a flow, whoever launched them, that started between two aware instants.

        The platform tells numbers only, no ids. How soon a run is counted is not public.

        Raises:
            PermissionDeniedError: analytics:flowExecutionAggregate:view is missing.

        Source: POST /api/v2/analytics/flowexecutions/aggregates/query (official, 2026-11).

        """
        time_s = self._api.time_s(timeout_s)
        return await self._driver.run(reading.count_plan(self._api, flow_id, after, before, time_s))

    async def execute_shared(
        self,
        flow: str | Flow,
        inputs: object = None,
        *,
        correlation_id: str | None = None,
        timeout_s: float | None = None,
    ) -> Launch:
        """Execute a shared flow as the guides describe it; only with `contract="guide"`.

        Raises:
            SettingsError: the client speaks the platform's contract, which has no such call.
            LaunchInDoubtError: it was sent and may be running: look before sending it again.

        """
        time_s = self._api.time_s(timeout_s)
        return await self._driver.run(launching.shared_plan(self._api, flow, inputs, correlation_id, time_s))

    async def close(self) -> None:
        """Close every connection; a later call opens new ones."""
        await self._driver.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _read(self, execution_id: str, timeout_s: float) -> Execution:
        return await self._driver.run(reading.status_plan(self._api, execution_id, timeout_s))
