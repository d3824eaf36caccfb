"""Reading case files: every field is checked, every refusal names its line, tables become one case a row."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.cases.expectations import EXPECT_FIELDS, read_expectation
from flowlaunch.architect.cases.model import Case, CaseFile
from flowlaunch.architect.iso import parse_date_time
from flowlaunch.architect.rules import Rules
from flowlaunch.architect.stubs.filling import TemplateError, fill
from flowlaunch.architect.stubs.model import Stubs
from flowlaunch.architect.stubs.parse import parse_stubs, read_stubs
from flowlaunch.architect.stubs.places import read_document
from flowlaunch.architect.stubs.reading import Reader
from flowlaunch.errors import FlowCaseError, FlowlaunchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from flowlaunch.architect.stubs.places import Document, Path

    ReadFile = Callable[[str], str]

__all__ = ["CASE_FIELDS", "EXPECT_FIELDS", "FILE_FIELDS", "parse_case_file"]

FILE_FIELDS: Final = (
    "description", "flow", "slots", "values", "lenient", "inputs", "stubs", "contracts", "modules", "rules", "now",
    "cases",
)  # fmt: skip
CASE_FIELDS: Final = ("name", "description", "inputs", "stubs", "expect", "table", "snapshot", "skip", "now")
_ROW: Final = frozenset({"row"})


def parse_case_file(text: str, name: str, read_file: ReadFile) -> CaseFile:
    """Parse a case file.

    Args:
        text: YAML.
        name: how messages call it.
        read_file: gives the text of a file named in it (stubs, CSV tables), relative to its folder.

    Raises:
        FlowSyntaxError: it is no YAML.
        FlowCaseError: a field is wrong; FlowStubError: a stub is.

    """
    return _CaseReader(read_document(text, name), read_file).file()


class _CaseReader:
    """Reads one case file."""

    def __init__(self, document: Document, read_file: ReadFile) -> None:
        self.document = document
        self.read_file = read_file
        self.read = Reader(document, FlowCaseError)

    def file(self) -> CaseFile:
        read = self.read
        given = read.fields(self.document.value, (), "a case file", FILE_FIELDS)
        if not given.get("flow"):
            raise read.refuse((), f"{self.document.name} does not name its `flow`", "Write `flow: my-flow.yaml`.")
        base = self._stubs(given.get("stubs"), ("stubs",))
        inputs = read.mapping(given.get("inputs"), ("inputs",), "inputs")
        now = self._now(given.get("now"), ("now",))
        cases = [
            case
            for number, item in enumerate(read.items(given.get("cases"), ("cases",), "cases"))
            for case in self._cases(item, ("cases", number), base, inputs, now)
        ]
        if not cases:
            raise read.refuse((), f"{self.document.name} has no cases", "Add `cases: [{name: ..., inputs: {...}}]`.")
        self._refuse_twins(cases)
        slots = read.mapping(given.get("slots"), ("slots",), "slots")
        modules = read.mapping(given.get("modules"), ("modules",), "modules")
        return CaseFile(
            name=self.document.name,
            flow=read.text(given["flow"], ("flow",), "flow"),
            cases=tuple(cases),
            place_of=self.document.place,
            slots={name: read.text(value, ("slots", name), f"slot {name}") for name, value in slots.items()},
            values=self._paths(given.get("values"), "values"),
            lenient=read.flag(given.get("lenient"), ("lenient",), "lenient"),
            contracts=self._paths(given.get("contracts"), "contracts"),
            modules={name: read.text(value, ("modules", name), name) for name, value in modules.items()},
            rules=self._rules(given.get("rules")),
        )

    def _refuse_twins(self, cases: list[Case]) -> None:
        seen: dict[str, str] = {}
        for case in cases:
            first = seen.setdefault(case.name, case.place)
            if first is not case.place:
                raise FlowCaseError(
                    f"{case.place}: two cases are named `{case.name}` (the first: {first})",
                    hint="Give each its own name; in a table, put a column into it: `${row.column}`.",
                )

    def _paths(self, value: Any, what: str) -> tuple[str, ...]:
        items = [value] if isinstance(value, str) else self.read.items(value, (what,), what)
        return tuple(self.read.text(item, (what, number), what) for number, item in enumerate(items))

    def _rules(self, value: Any) -> Rules:
        known = {field.name: field.type for field in fields(Rules)}
        given = self.read.fields(value, ("rules",), "rules", known)
        for name, item in given.items():
            allowed = str(known[name])
            fits = (
                isinstance(item, int) if allowed == "int" else isinstance(item, str) and f"'{item}'" in _quoted(allowed)
            )
            if not fits or isinstance(item, bool):
                raise self.read.refuse(("rules", name), f"rule {name} cannot be {item!r}", f"It takes {allowed}.")
        return Rules(**given)

    def _now(self, value: Any, path: Path) -> datetime | None:
        if value is None:
            return None
        try:
            return parse_date_time(self.read.text(value, path, "now"))
        except FlowlaunchError as error:
            raise self.read.refuse(path, f"now: {error.message}", "Write it like 2026-11-21T12:00:00Z.") from error

    # -- stubs -------------------------------------------------------------------------------------------------

    def _stubs(self, value: Any, path: Path) -> Stubs:
        """Read stubs written here, in a file, or a list of both; what comes first is asked first."""
        if value is None:
            return Stubs()
        if isinstance(value, str):
            try:
                text = self.read_file(value)
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8"
                hint = "Paths start at the folder of this file."
                raise self.read.refuse(path, f"cannot read the stubs in {value}: {reason}", hint) from error
            return parse_stubs(text, value, self.read_file)
        if isinstance(value, list):
            merged = Stubs()
            for number, item in enumerate(value):
                merged = merged.over(self._stubs(item, (*path, number)))
            return merged
        return read_stubs(self.document, self.read_file, path=path, value=value)

    # -- cases -------------------------------------------------------------------------------------------------

    def _cases(
        self, value: Any, path: Path, base: Stubs, inputs: Mapping[str, Any], now: datetime | None
    ) -> Iterator[Case]:
        entry = self.read.fields(value, path, "a case", CASE_FIELDS)
        if not entry.get("name"):
            raise self.read.refuse(path, "a case has no `name`", "Write `- name: what it shows`.")
        if entry.get("table") is None:
            yield self._case(entry, path, base, inputs, now, self.document.place((*path, "name")))
            return
        rows = self._rows(entry.pop("table"), (*path, "table"))
        for number, row in enumerate(rows):
            filled = self._filled(entry, row, path)
            if filled["name"] == entry["name"]:
                filled["name"] = f"{entry['name']} [{number + 1}]"
            place = self.document.place((*path, "table", number))
            yield self._case(filled, path, base, inputs, now, place)

    def _filled(self, entry: Mapping[str, Any], row: Mapping[str, Any], path: Path) -> dict[str, Any]:
        try:
            filled: dict[str, Any] = fill(dict(entry), {"row": row}, _ROW)
        except TemplateError as error:
            raise self.read.refuse(path, str(error)) from error
        return filled

    def _rows(self, value: Any, path: Path) -> list[Mapping[str, Any]]:
        if isinstance(value, dict):
            entry = self.read.fields(value, path, "a table of cases", ("csv", "file"))
            source = next(iter(entry), None)
            if source is None or len(entry) != 1:
                raise self.read.refuse(path, "a table of cases needs `csv` or `file`")
            text = self.read.text(entry[source], (*path, source), source)
            return self._csv(self.read_file(text) if source == "file" else text, (*path, source))
        rows = self.read.items(value, path, "a table of cases")
        return [self.read.mapping(row, (*path, number), "a row of cases") for number, row in enumerate(rows)]

    def _csv(self, text: str, path: Path) -> list[Mapping[str, Any]]:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True))
        for number, row in enumerate(rows, 2):
            if None in row or None in row.values():
                raise self.read.refuse(path, f"CSV line {number} has not as many cells as the first line")
        return [{name: _cell(cell) for name, cell in row.items()} for row in rows]

    def _case(
        self,
        entry: Mapping[str, Any],
        path: Path,
        base: Stubs,
        inputs: Mapping[str, Any],
        now: datetime | None,
        place: str,
    ) -> Case:
        own = self.read.mapping(entry.get("inputs"), (*path, "inputs"), "inputs")
        return Case(
            name=self.read.text(entry["name"], (*path, "name"), "the name"),
            inputs={**inputs, **own},
            stubs=self._stubs(entry.get("stubs"), (*path, "stubs")).over(base),
            expect=read_expectation(self.read, entry.get("expect"), (*path, "expect")),
            place=place,
            snapshot=self.read.flag(entry.get("snapshot"), (*path, "snapshot"), "snapshot"),
            skip=self.read.text(entry.get("skip") or "", (*path, "skip"), "skip"),
            now=self._now(entry.get("now"), (*path, "now")) or now,
        )


def _quoted(allowed: str) -> str:
    return allowed.replace('"', "'")


def _cell(text: str | None) -> Any:
    """Read a CSV cell: a JSON number, true, false, null or quoted text; anything else is text, nothing is null."""
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict | list) else value
