"""Flows, their versions, schemas and configurations."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flowlaunch.sandbox.answers import Answer, Refusal, json_answer, missing_permissions
from flowlaunch.sandbox.calls import Operation
from flowlaunch.sandbox.clock import iso
from flowlaunch.sandbox.configuration import configuration_json
from flowlaunch.sandbox.flow_filters import choose, in_order
from flowlaunch.sandbox.limits import too_many_requests
from flowlaunch.sandbox.paging import flag, listing, page_numbers
from flowlaunch.sandbox.permissions import FLOW_SEARCH, FLOW_VIEW, reaches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowlaunch.sandbox.calls import Call
    from flowlaunch.sandbox.service import Service
    from flowlaunch.sandbox.world import FlowRecord, FlowVersion

__all__ = ["OPERATIONS", "flow_json", "version_json"]

FLOW_NOT_FOUND = "Could not find flow with specified ID."


def version_json(version: FlowVersion, *, schemas: bool = False) -> dict[str, Any]:
    """Render a FlowVersion; schemas only where they are asked for."""
    document: dict[str, Any] = {
        "id": version.number,
        "name": version.number,
        "type": "PUBLISH" if version.published_at is not None else "SAVE",
        "secure": False,
        "debug": False,
        "commitVersion": version.number,
        "configurationVersion": version.number,
        "configurationUri": f"{version.self_uri}/configuration",
        "dateCreated": int(version.created_at * 1000),
        "dateSaved": int(version.created_at * 1000),
        "selfUri": version.self_uri,
    }
    if version.published_at is not None:
        document["datePublished"] = iso(version.published_at)
        document["dateCheckedIn"] = int(version.published_at * 1000)
    if schemas and version.program is not None:
        document["inputSchema"] = version.input_schema
        document["outputSchema"] = version.output_schema
    return document


def flow_json(flow: FlowRecord, *, schemas: bool, is_guide: bool = False) -> dict[str, Any]:
    """Render a Flow; a flow that was never published has no publishedVersion.

    Under the guide contract the schema says whether the start event takes undeclared data (guess).
    """
    document: dict[str, Any] = {
        "id": flow.id,
        "name": flow.name,
        "description": flow.description,
        "type": flow.type,
        "division": flow.division.as_json(),
        "active": flow.is_active and flow.current is not None,
        "system": False,
        "deleted": flow.is_deleted,
        "virtualAgentEnabled": False,
    }
    latest = flow.latest
    if flow.current is not None:
        document["publishedVersion"] = version_json(flow.current)
        document["checkedInVersion"] = version_json(flow.current)
    if latest is not None:
        document["savedVersion"] = version_json(latest)
    shown = flow.current or latest
    if schemas and shown is not None and shown.program is not None:
        takes_any = {"additionalProperties": flow.start_event == "generic"} if is_guide else {}
        document["inputSchema"] = shown.input_schema | takes_any
        document["outputSchema"] = shown.output_schema
    if flow.problem is not None:
        document["x-sandbox-problem"] = flow.problem
    document["selfUri"] = f"/api/v2/flows/{flow.id}"
    return document


def view_json(flow: FlowRecord, *, schemas: bool, is_guide: bool = False) -> dict[str, Any]:
    """Render a FlowDivisionView."""
    document = flow_json(flow, schemas=schemas, is_guide=is_guide)
    kept = ("id", "name", "description", "type", "division", "publishedVersion", "inputSchema", "outputSchema")
    view = {name: document[name] for name in kept if name in document}
    return {**view, "selfUri": f"/api/v2/flows/divisionviews/{flow.id}"}


def _visible(service: Service, call: Call, permission: str) -> Iterable[FlowRecord]:
    service.refresh_flows()
    rights = call.holder().rights
    return [flow for flow in service.world.flows.values() if reaches(rights, permission, flow.division.id)]


def _spend(service: Service, call: Call, size: int) -> None:
    """Count a list of flows: 300,000 / pageSize requests a minute. At which level is a guess: the organization."""
    if service.list_budget is None:
        return
    retry_after_s = service.list_budget.spend(call.now, size)
    if retry_after_s:
        limit = service.list_budget.per_minute // size
        raise too_many_requests(retry_after_s, "flows.query.rate.per.minute", limit)


def list_flows(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows`."""
    query = call.query()
    _spend(service, call, page_numbers(query)[1])
    schemas = flag(query, "includeSchemas") or False
    chosen = in_order(choose(_visible(service, call, FLOW_VIEW), query, service.options), query)
    show = partial(flow_json, schemas=schemas, is_guide=service.is_guide)
    return json_answer(listing(call, query, chosen, show))


def division_views(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/divisionviews`: needs search only; shows published flows (guess)."""
    query = call.query()
    _spend(service, call, page_numbers(query)[1])
    schemas = flag(query, "includeSchemas") or False
    visible = [flow for flow in _visible(service, call, FLOW_SEARCH) if flow.current is not None]
    chosen = in_order(choose(visible, query, service.options), query)
    show = partial(view_json, schemas=schemas, is_guide=service.is_guide)
    return json_answer(listing(call, query, chosen, show))


def lookup(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/lookup?id=...`."""
    query = call.query()
    if not query.get("id"):
        raise Refusal(400, "bad.request", "The query parameter id is missing.")
    chosen = in_order(choose(_visible(service, call, FLOW_VIEW), query, service.options), query)
    return json_answer(listing(call, query, chosen, lambda flow: flow_json(flow, schemas=False)))


def _find(service: Service, call: Call) -> FlowRecord:
    service.refresh_flows()
    flow = service.world.flows.get(call.params["flowId"])
    if flow is None:
        raise Refusal(404, "architect.flow.not.found", FLOW_NOT_FOUND)
    if not reaches(call.holder().rights, FLOW_VIEW, flow.division.id):
        if service.options.other_division == "not_found":
            raise Refusal(404, "architect.flow.not.found", FLOW_NOT_FOUND)
        raise missing_permissions((FLOW_VIEW,))
    if flow.is_deleted and not flag(call.query(), "deleted"):
        raise Refusal(410, "architect.flow.deleted", "The flow has been deleted.", entity=(flow.id, flow.name))
    return flow


def get_flow(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/{flowId}`: always with schemas."""
    return json_answer(flow_json(_find(service, call), schemas=True, is_guide=service.is_guide))


def list_versions(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/{flowId}/versions`: newest first (guess)."""
    flow = _find(service, call)
    rows = list(reversed(flow.versions))
    return json_answer(listing(call, call.query(), rows, lambda version: version_json(version, schemas=True)))


def _find_version(service: Service, call: Call) -> FlowVersion:
    flow = _find(service, call)
    version = flow.version(call.params["versionId"])
    if version is None:
        text = f"The flow has no version {call.params['versionId']}."
        raise Refusal(404, "architect.flow.version.missing", text, entity=(flow.id, flow.name))
    return version


def get_version(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/{flowId}/versions/{versionId}`."""
    return json_answer(version_json(_find_version(service, call), schemas=True))


def get_configuration(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/{flowId}/versions/{versionId}/configuration`."""
    return json_answer(configuration_json(_find_version(service, call)))


def latest_configuration(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/{flowId}/latestconfiguration`."""
    flow = _find(service, call)
    latest = flow.latest
    if latest is None:
        raise Refusal(404, "architect.flow.version.missing", "The flow has no version.", entity=(flow.id, flow.name))
    return json_answer(configuration_json(latest))


OPERATIONS = (
    Operation("flows.list", "GET", "/api/v2/flows", list_flows, (FLOW_VIEW,)),
    Operation("flows.lookup", "GET", "/api/v2/flows/lookup", lookup, (FLOW_VIEW,)),
    Operation(
        "flows.divisionviews", "GET", "/api/v2/flows/divisionviews", division_views, (FLOW_SEARCH,), every=True
    ),
    Operation("flows.get", "GET", "/api/v2/flows/{flowId}", get_flow, (FLOW_VIEW,)),
    Operation("flows.versions", "GET", "/api/v2/flows/{flowId}/versions", list_versions, (FLOW_VIEW,)),
    Operation("flows.version", "GET", "/api/v2/flows/{flowId}/versions/{versionId}", get_version, (FLOW_VIEW,)),
    Operation(
        "flows.configuration", "GET", "/api/v2/flows/{flowId}/versions/{versionId}/configuration",
        get_configuration, (FLOW_VIEW,),
    ),
    Operation(
        "flows.latestconfiguration", "GET", "/api/v2/flows/{flowId}/latestconfiguration",
        latest_configuration, (FLOW_VIEW,),
    ),
)  # fmt: skip
