"""A file of rows becomes a batch: sent by a form, planned by reading it in, and started once the plan was looked at."""

from __future__ import annotations

import tomllib
import uuid
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.batch.mapping.spec import read_mapping
from flowlaunch.errors import FlowlaunchError, InputError
from flowlaunch.gateway.api.problems import Problem, problem_of
from flowlaunch.gateway.launches.uploads import Upload
from flowlaunch.gateway.page.entry import caller_of
from flowlaunch.pages.answers import Done, Page

if TYPE_CHECKING:
    from starlette.requests import Request

    from flowlaunch.gateway.state import GatewayState
    from flowlaunch.pages.answers import Form, PostedFile

__all__ = ["UploadPages"]

FORMATS: Final = {".csv": "csv", ".txt": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
"""End of a file's name -> what it holds."""
FIELDS: Final = ("route", "flow", "name", "key", "mapping", "once")
LONGEST: Final = {"name": 200, "key": 200, "flow": 300, "mapping": 20_000, "once": 100}
MOST_FLOWS: Final = 500
FORM: Final = "/batches/new"


class UploadPages:
    """The form for a file of rows."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state

    async def show(self, request: Request) -> Page:
        """Show the form."""
        route = request.query_params.get("route", "")
        known = route in self._state.routes.current.by_name
        return await self._form({"route": route if known else "", "once": uuid.uuid4().hex})

    async def send(self, request: Request, form: Form) -> Done | Page:
        """Take a file as a batch that waits until it is started, or show what is wrong with it beside the form."""
        given = {name: form.text(name)[: LONGEST.get(name, 200)] for name in FIELDS}
        try:
            batch_id = await self._taken(request, given, form.file)
        except Problem as problem:
            return await self._form(given, problem)
        except FlowlaunchError as error:
            return await self._form(given, problem_of(error))
        return Done("uploaded", to=f"/batches/{batch_id}")

    async def _taken(self, request: Request, given: dict[str, str], file: PostedFile | None) -> int:
        if file is None:
            raise _wrong("Choose a file.")
        kind = FORMATS.get(PurePath(file.name).suffix.lower())
        if kind is None:
            raise _wrong(f"{file.name} is neither .csv nor .ndjson. A spreadsheet can be saved as CSV.")
        route, flow = given["route"], given["flow"]
        if bool(route) == bool(flow):
            raise _wrong("Choose a route or name a flow, and not both.")
        routes = self._state.routes.current.by_name
        if route and route not in routes:
            raise _wrong(f"There is no route {route} any more.")
        _check_mapping(given["mapping"])
        upload = Upload(
            flow=routes[route].spec.flow if route else flow,
            format="csv" if kind == "csv" else "ndjson",
            name=given["name"] or PurePath(file.name).name[:200],
            by=caller_of(request).name,
            route=route or None,
            key=given["key"] or None,
            mapping=given["mapping"],
        )
        batch_id, _ = await self._state.uploads.take(file.content, upload, caller_of(request), given["once"] or None)
        return batch_id

    async def _form(self, given: dict[str, str], problem: Problem | None = None) -> Page:
        values: dict[str, Any] = {
            "given": {name: given.get(name, "") for name in FIELDS},
            "problem": problem,
            "problems": [one["message"] for one in (problem.extension if problem else {}).get("problems", ())],
            "routes": sorted(self._state.routes.current.by_name),
            "flows": await self._flows(),
            "most_bytes": self._state.options.max_upload_bytes,
            "takes_files": self._state.options.uploads is not None,
        }
        status, address = (200, "") if problem is None else (problem.status, FORM)
        return Page("batch-new.html", values, status, address)

    async def _flows(self) -> list[str]:
        """Return the names of flows to choose from; none while the platform cannot tell."""
        try:
            return sorted(one.name for one in await self._state.flows.all())[:MOST_FLOWS]
        except FlowlaunchError:
            return []


def _check_mapping(text: str) -> None:
    """Refuse a mapping that is no TOML or has settings that no mapping has."""
    if not text:
        return
    try:
        read_mapping(tomllib.loads(text), "the mapping")
    except tomllib.TOMLDecodeError as error:
        raise _wrong(f"The mapping is no TOML: {error}") from error
    except InputError as error:
        raise _wrong(f"{error.message} {error.hint or ''}".strip()) from error


def _wrong(detail: str) -> Problem:
    return Problem(422, "form-invalid", "The batch was not taken", detail)
