"""Find flows and read their schemas, with as few reads as possible."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from flowlaunch._core.calls import call_plan
from flowlaunch._core.steps import Once, Plan, begin
from flowlaunch._core.suggest import folded, suggest
from flowlaunch._core.wire import decode_flow, decode_flow_page, decode_version
from flowlaunch.errors import FlowLookupError, NotFoundError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from flowlaunch._core.api import Api
    from flowlaunch._core.steps import Deadline
    from flowlaunch.models import Flow

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
NEVER_STALE_S: Final = float("inf")
LOOKUP_PAGE: Final = 100
WORKFLOW: Final = "WORKFLOW"


def is_flow_id(text: str) -> bool:
    """Whether `text` has the form of a flow id (a UUID)."""
    return _UUID.fullmatch(text.strip()) is not None


def page_plan(api: Api, query: dict[str, Any], page: int, timeout_s: float) -> Plan[tuple[list[Flow], bool]]:
    """Read one page of flows; also tell whether there is another."""
    deadline = yield from begin(timeout_s)
    return (yield from _page(api, query, page, deadline))


def _page(
    api: Api, query: dict[str, Any], page: int, deadline: Deadline, *, operation: str = "flows.list"
) -> Plan[tuple[list[Flow], bool]]:
    call = api.call(operation, query=query | {"pageNumber": page}, subject="")
    response = yield from call_plan(api, call, deadline)
    return decode_flow_page(call, response, page)


def _all_pages(api: Api, query: dict[str, Any], deadline: Deadline, operation: str) -> Plan[list[Flow]]:
    """Read every page: how the name filter matches is not published, so the exact name may come late (guess)."""
    flows: list[Flow] = []
    page, has_more = 1, True
    while has_more:
        found, has_more = yield from _page(api, query, page, deadline, operation=operation)
        flows += found
        page += 1
    return flows


def stripped(ref: object) -> str:
    """Return what names a flow without blanks around it; raise FlowLookupError when it names none."""
    if not isinstance(ref, str) or not ref.strip():
        raise FlowLookupError(f"no flow was named: {ref!r}", hint="Give a flow's id, its exact name or a Flow.")
    return ref.strip()


def find_plan(api: Api, ref: str, deadline: Deadline) -> Plan[Flow]:
    """Return the flow that `ref`, an id or an exact name, names; read at most once a minute or so."""
    ref = stripped(ref)
    flow: Flow = yield Once(("flow", ref), _reader(api, ref, deadline), api.flow_fresh_s, deadline.at_s)
    return flow


def lookup_plan(api: Api, ref: str, timeout_s: float) -> Plan[Flow]:
    """Return the flow that `ref` names, as a call of its own."""
    deadline = yield from begin(timeout_s)
    return (yield from find_plan(api, ref, deadline))


def _reader(api: Api, ref: str, deadline: Deadline) -> Callable[[], Plan[Flow]]:
    return lambda: (_by_id if is_flow_id(ref) else _by_name)(api, ref, deadline)


def version_plan(api: Api, flow: Flow, version: str | None, deadline: Deadline) -> Plan[Flow]:
    """Return `flow` with the schemas of `version`; a version never changes, so it is read once."""
    if version is None or (flow.published_version is not None and flow.published_version.id == version):
        return flow

    def make() -> Plan[Flow]:
        call = api.call("flows.version", flow_id=flow.id, version_id=version, subject=f"{flow.name!r} {version}")
        try:
            response = yield from call_plan(api, call, deadline)
        except NotFoundError as error:
            raise FlowLookupError(
                f"flow {flow.name!r} has no version {version!r}",
                code="flow-version-unknown",
                hint="Leave the version out to launch the published one.",
            ) from error
        return decode_version(call, response, flow)

    found: Flow = yield Once(("version", flow.id, version), make, NEVER_STALE_S, deadline.at_s)
    return found


def launchable(flow: Flow, version: str | None) -> Flow:
    """Return `flow` if a launch of it can succeed; raise FlowLookupError saying why not."""
    if flow.deleted:
        raise FlowLookupError(
            f"flow {flow.name!r} was deleted", code="flow-deleted", hint="Launch the one that replaced it."
        )
    if version is None and flow.published_version is None:
        raise FlowLookupError(
            f"flow {flow.name!r} is not published",
            code="flow-not-published",
            hint="Publish it in Architect, or name a version to launch.",
        )
    return flow


def _by_id(api: Api, flow_id: str, deadline: Deadline) -> Plan[Flow]:
    call = api.call("flows.get", flow_id=flow_id, subject=flow_id)
    try:
        response = yield from call_plan(api, call, deadline)
    except NotFoundError as error:
        raise FlowLookupError(
            f"no flow has the id {flow_id}, or this client may not see it (correlation id {error.correlation_id})",
            code="flow-unknown",
            hint="Check the id and the region; `flowlaunch flows list` shows what this client sees.",
        ) from error
    except PermissionDeniedError as error:
        flows = yield from _through_search(api, {"id": flow_id}, deadline, error)
        return _only(flow_id, [flow for flow in flows if flow.id == flow_id], flows)
    return decode_flow(call, response)


def _by_name(api: Api, name: str, deadline: Deadline) -> Plan[Flow]:
    query = {"includeSchemas": "true", "pageSize": LOOKUP_PAGE}
    try:
        flows = yield from _all_pages(api, query | {"name": name}, deadline, "flows.list")
    except PermissionDeniedError as error:
        flows = yield from _through_search(api, {"name": name}, deadline, error)
    exact = [flow for flow in flows if flow.name == name and not flow.deleted]
    if not exact:
        others = yield from _others(api, deadline)
        return _only(name, [], [*flows, *others])
    workflows = [flow for flow in exact if flow.type == WORKFLOW]
    return _only(name, workflows or exact, flows)


def _others(api: Api, deadline: Deadline) -> Plan[list[Flow]]:
    """Read one page of workflows, so that an unknown name can be answered with a near one."""
    try:
        flows, _more = yield from _page(
            api, {"type": "workflow", "pageSize": LOOKUP_PAGE, "sortBy": "name"}, 1, deadline
        )
    except PermissionDeniedError:
        return []
    return flows


def _through_search(
    api: Api, query: dict[str, Any], deadline: Deadline, denied: PermissionDeniedError
) -> Generator[Any, Any, list[Flow]]:
    """Ask the division views, which need another permission; when that is missing too, say the first error."""
    asked = query | {"includeSchemas": "true", "pageSize": LOOKUP_PAGE}
    try:
        flows = yield from _all_pages(api, asked, deadline, "flows.divisionviews")
    except PermissionDeniedError:
        denied.hint = (
            f"{denied.hint} architect:flow:search is enough, too. Without either, launch by id with preflight off."
        )
        raise denied from None
    return flows


def _only(ref: str, found: list[Flow], near: list[Flow]) -> Flow:
    if len(found) == 1:
        return found[0]
    if found:
        shown = [f"{flow.id} ({_where(flow)})" for flow in found]
        raise FlowLookupError(
            f"{len(found)} flows are called {ref!r}: {', '.join(shown)}",
            code="flow-ambiguous",
            hint="Give the id of the one that is meant.",
            candidates=[flow.id for flow in found],
        )
    names = list(dict.fromkeys(flow.name for flow in near))
    meant = suggest(ref, names)
    close = [name for name in names if folded(ref) and folded(ref) in folded(name)]
    raise FlowLookupError(
        f"there is no flow called {ref!r}, or this client may not see it",
        code="flow-unknown",
        hint=f"Did you mean {meant!r}?" if meant else "`flowlaunch flows list` shows what this client sees.",
        candidates=list(dict.fromkeys([*([meant] if meant else []), *close]))[:5],
    )


def _where(flow: Flow) -> str:
    division = f"division {flow.division.name or flow.division.id}" if flow.division else "no division"
    return f"{flow.type.lower() or 'flow'}, {division}"
