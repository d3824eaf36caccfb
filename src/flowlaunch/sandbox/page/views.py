"""What each page of the sandbox shows."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.architect.schema import input_schema
from flowlaunch.pages.answers import Page, PageError
from flowlaunch.pages.charts import Part, bars, share
from flowlaunch.pages.formats import instant, span
from flowlaunch.pages.slices import Query
from flowlaunch.sandbox.faults import FAULTS
from flowlaunch.sandbox.journal import entry_of
from flowlaunch.sandbox.needs import missing_needs
from flowlaunch.sandbox.operations import operations_of
from flowlaunch.sandbox.page.drawings import flow_picture, run_picture
from flowlaunch.sandbox.page.figures import Standing, requests_over_time
from flowlaunch.sandbox.page.lists import find_executions, find_requests, request_line
from flowlaunch.sandbox.server import DEMO_SECRET

if TYPE_CHECKING:
    from starlette.requests import Request

    from flowlaunch.sandbox.runs import Execution
    from flowlaunch.sandbox.service import Service
    from flowlaunch.sandbox.world import FlowRecord

__all__ = ["Views"]

LATEST: Final = 6
REQUESTS_OF_ONE: Final = 20
STEPS_SHOWN: Final = 500
ADVANCES: Final = ((60, "1 minute"), (3_600, "1 hour"), (86_400, "1 day"))
STATUS_TITLES: Final = (("COMPLETED", "Completed", "ok"), ("FAILED", "Failed", "bad"), ("RUNNING", "Running", "run"))


class Views:
    """The pages of one sandbox."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._standing = Standing()

    async def overview(self, request: Request) -> Page:
        """Show how everything stands, or how to begin."""
        service = self._service
        counts = self._standing.count(service.runs)
        columns = requests_over_time(service.journal)
        asked = sum(column.total for column in columns)
        parts = [Part(title, counts[name], tone) for name, title, tone in STATUS_TITLES]
        demo = next((one for one in service.world.clients.values() if one.secret == DEMO_SECRET), None)
        return Page(
            "overview.html",
            {
                "organization": service.world.organization.name,
                "contract": service.options.contract,
                "counts": counts,
                "parts": parts,
                "share": share(parts, ", ".join(f"{part.value:,.0f} {part.name.lower()}" for part in parts)),
                "total": sum(counts.values()),
                "chart": bars(columns, f"{asked:,.0f} requests in the last 10 minutes, a bar for 15 seconds"),
                "asked": asked,
                "requests": service.journal.count,
                "latest": find_executions(service, Query("", {"status": "", "flow": "", "q": ""})).items[:LATEST],
                "failed": find_executions(service, Query("", {"status": "FAILED", "flow": "", "q": ""})).items[:LATEST],
                "error_of": _error_of,
                "url": f"{request.url.scheme}://{request.headers['host']}",
                "demo": demo,
                "first_launch": next(filter(None, map(_first_launch, self._runnable())), ""),
                **self._clock_values(),
            },
        )

    async def executions(self, request: Request) -> Page:
        """List executions."""
        query = Query.of(request, "q", "status", "flow")
        found = find_executions(self._service, query)
        flows = sorted(((flow.id, flow.name) for flow in self._runnable()), key=lambda one: one[1])
        values = {
            "query": query,
            "slice": found,
            "flows": flows,
            "statuses": [one[:2] for one in STATUS_TITLES],
            "error_of": _error_of,
        }
        return Page("executions.html", values)

    async def execution(self, request: Request) -> Page:
        """Show one execution: what it got, gave and did."""
        service = self._service
        run = service.execution(request.path_params["id"])
        if run is None:
            raise PageError(404, "There is no such execution", request.path_params["id"])
        trace = service.runs.trace(run)
        entries = trace.entries if trace is not None else ()
        notes = (one for one in service.journal.newest() if one[1].execution_id == run.id)
        due = service.runs.due_of(run)
        return Page(
            "execution.html",
            {
                "run": run,
                "flow": run.version.flow,
                "inputs": msgspec.json.decode(run.inputs or b"{}"),
                "outputs": msgspec.json.decode(run.outputs) if run.outputs else None,
                "error": _error_of(run),
                "took_s": max(0.0, run.completed_at - run.launched_at) if run.status != "RUNNING" else None,
                "due": instant(due) if due is not None else None,
                "due_in_s": max(0.0, due - service.clock.now()) if due is not None else 0.0,
                "steps": [entry.as_json() | {"at": entry.started_at} for entry in entries[:STEPS_SHOWN]],
                "steps_left_out": max(0, len(entries) - STEPS_SHOWN) + (trace.left_out if trace is not None else 0),
                "picture": run_picture(service, run),
                "requests": [request_line(*one) for one, _ in zip(notes, range(REQUESTS_OF_ONE), strict=False)],
            },
        )

    async def requests(self, request: Request) -> Page:
        """List requests."""
        query = Query.of(request, "q", "status", "operation")
        names = sorted(operation.name for operation in operations_of(self._service.options.contract))
        values = {
            "query": query,
            "slice": find_requests(self._service, query),
            "operations": [(one, one) for one in names],
        }
        return Page("requests.html", values)

    async def request(self, request: Request) -> Page:
        """Show one request and its answer, without secrets."""
        wanted = request.path_params["number"]
        found = next(self._service.journal.newest(wanted + 1), None)
        if found is None or found[0] != wanted:
            raise PageError(404, "This request is not in the record", f"Number {wanted} is unknown or was dropped.")
        entry = entry_of(*found)
        return Page("request.html", {"entry": entry, "at": instant(found[1].at), "body": _body(entry.request_body),
                                     "answer": _body(entry.answer)})  # fmt: skip

    async def flows(self, request: Request) -> Page:
        """List flows."""
        del request
        service = self._service
        service.refresh_flows()
        listed = sorted(service.world.visible_flows(), key=lambda flow: (flow.name.casefold(), flow.division.name))
        problems = dict(service.folder.problems) if service.folder else {}
        missing = {flow.id: missing_needs(service.world, flow) for flow in listed}
        return Page("flows.html", {"flows": listed, "missing": missing, "problems": problems})

    async def flow(self, request: Request) -> Page:
        """Show one flow: its inputs and its drawing."""
        service = self._service
        service.refresh_flows()
        flow = service.world.flows.get(request.path_params["id"])
        if flow is None:
            raise PageError(404, "There is no such flow", request.path_params["id"])
        version = flow.current or flow.latest
        program = version.program if version is not None else None
        return Page(
            "flow.html",
            {
                "flow": flow,
                "version": version,
                "inputs": _inputs(input_schema(program)) if program is not None else [],
                "required": frozenset(version.required) if version is not None else frozenset(),
                "missing": missing_needs(service.world, flow),
                "picture": flow_picture(program) if program is not None else None,
            },
        )

    async def clock(self, request: Request) -> Page:
        """Show the clock and what waits on it."""
        del request
        return Page("clock.html", self._clock_values())

    async def faults(self, request: Request) -> Page:
        """Show the faults that are set, and a form for more."""
        del request
        service = self._service
        kinds = [(name, (kind.__doc__ or "").partition("\n")[0]) for name, kind in FAULTS.items()]
        names = sorted(operation.name for operation in operations_of(service.options.contract))
        values = {"script": service.faults.as_json(), "kinds": kinds, "operations": names}
        return Page("faults.html", values)

    def _runnable(self) -> list[FlowRecord]:
        flows = self._service.world.visible_flows()
        return [flow for flow in flows if flow.current is not None and flow.current.program is not None]

    def _clock_values(self) -> dict[str, Any]:
        clock, runs = self._service.clock, self._service.runs
        due = runs.next_due()
        now = clock.now()
        return {
            "mode": clock.mode,
            "now": instant(now),
            "waiting": runs.waiting,
            "due": instant(due) if due is not None else None,
            "due_in": span(max(0.0, due - now)) if due is not None else "",
            "due_in_s": max(0.0, due - now) + 0.001 if due is not None else 0.0,
            "advances": ADVANCES,
        }


def _first_launch(flow: FlowRecord) -> str:
    """Return a command that launches a flow with every required input; "" when one of them is no text."""
    version = flow.current
    types: dict[str, Any] = version.input_schema.get("properties", {}) if version is not None else {}
    required = version.required if version is not None else ()
    if not all("string" in str(types.get(name, {}).get("type")) for name in required):
        return ""
    inputs = "".join(f" -i {name.removeprefix('Flow.')}=example" for name in required)
    return f"flowlaunch launch {shlex.quote(flow.name)}{inputs} --wait"


def _error_of(run: Execution) -> dict[str, Any] | None:
    document: dict[str, Any] | None = msgspec.json.decode(run.error) if run.error else None
    return document


def _body(text: str) -> Any:
    """Give a body as JSON when it is, else as text."""
    try:
        return msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        return text


def _inputs(schema: dict[str, Any]) -> list[dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = schema.get("properties", {})
    return [{"name": name, **_shown(about)} for name, about in properties.items()]


def _shown(about: dict[str, Any]) -> dict[str, str]:
    kind = about.get("type", "any")
    return {
        "type": " or ".join(kind) if isinstance(kind, list) else str(kind),
        "about": str(about.get("description") or about.get("title") or ""),
    }
