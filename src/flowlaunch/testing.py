"""Flows under test, from files: run one over stubs, run case files, count what they cover, make mutants.

The language itself does no I/O; this module reads the files. Nothing here needs an account or a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from flowlaunch.architect.cases import (
    Bench,
    CaseFile,
    CaseResult,
    MutantResult,
    parse_case_file,
    run_case,
    run_mutants,
)
from flowlaunch.architect.coverage import Coverage, FlowCoverage
from flowlaunch.architect.flow import Flow
from flowlaunch.architect.load import load_flow
from flowlaunch.architect.mutation import Mutant, mutants
from flowlaunch.architect.rules import Rules
from flowlaunch.architect.stubs import (
    Call,
    Contracts,
    Outcome,
    Stubs,
    parse_stubs,
    read_contract,
    read_stubs,
    run_flow_on,
    stub_problems,
)
from flowlaunch.architect.stubs.places import Document, read_document
from flowlaunch.errors import FlowCaseError, FlowError, FlowStubError, FlowSyntaxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

__all__ = [
    "Bench",
    "Call",
    "CaseResult",
    "Coverage",
    "FileResult",
    "Flow",
    "FlowCoverage",
    "Mutant",
    "MutantResult",
    "Outcome",
    "Rules",
    "Stubs",
    "load_contracts",
    "load_flow_file",
    "load_modules",
    "load_slots",
    "load_stubs",
    "mutants",
    "open_case_file",
    "run_case",
    "run_cases",
    "run_flow",
    "run_mutants",
]

StubSource: TypeAlias = "Stubs | str | Path | Mapping[str, Any] | Sequence[StubSource] | None"
FLOW_SUFFIXES: Final = (".yaml", ".yml", ".i3workflow", ".i3commonmoduleflow")
SNAPSHOT_SUFFIX: Final = ".snapshots.yaml"


# -- flows -------------------------------------------------------------------------------------------------------


def load_flow_file(
    path: str | Path, *, slots: Mapping[str, str] | None = None, values: str | Path | None = None, lenient: bool = False
) -> Flow:
    """Load a flow file: Archy YAML or an Architect export.

    Args:
        path: the file.
        slots: values for `{{name}}` and `${name}`.
        values: YAML file with more of them; `slots` win.
        lenient: let unknown actions and functions through as recorded no-ops.

    Raises:
        FlowError: any of its kinds; the message names file, line and cure.

    """
    given = {**(load_slots(values) if values is not None else {}), **(slots or {})}
    return load_flow(_read_bytes(Path(path), "the flow"), name=str(path), slots=given, lenient=lenient)


def load_slots(path: str | Path) -> dict[str, str]:
    """Read a values file: slot -> text, number or boolean, as YAML.

    Raises:
        FlowSyntaxError: it cannot be read, or is no such mapping.

    """
    document = read_document(_read_text(Path(path), "the values"), str(path))
    if not isinstance(document.value, dict):
        raise FlowSyntaxError(f"{path} is no mapping of slots to values", hint="Write `slot: value`, one a line.")
    return {str(name): _slot_text(value, f"{path}: slot {name}") for name, value in document.value.items()}


def _slot_text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise FlowSyntaxError(f"{where} must be text, a number or a boolean")


def load_modules(
    flow: Flow, folder: str | Path, named: Mapping[str, str] | None = None, **options: Any
) -> dict[str, Flow]:
    """Load the common modules that a flow calls, and those that they call.

    Args:
        flow: whose modules are wanted.
        folder: where module files are looked for by the name of the flow in them.
        named: module -> file, relative to `folder`, for those kept elsewhere.
        options: as `load_flow_file` takes them.

    Returns:
        Modules by name in lower case; one that is not found is left out, and a run that needs it says so.

    """
    found: dict[str, Flow] = {}
    pending = [flow]
    while pending:
        wanted = {need.name for need in pending.pop().needs() if need.kind == "common module"}
        for name in sorted(wanted):
            if name.casefold() in found:
                continue
            module = _find_module(name, Path(folder), named or {}, options)
            if module is not None:
                found[name.casefold()] = module
                pending.append(module)
    return found


def _find_module(name: str, folder: Path, named: Mapping[str, str], options: Mapping[str, Any]) -> Flow | None:
    for known, file in named.items():
        if known.casefold() == name.casefold():
            return load_flow_file(folder / file, **options)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in FLOW_SUFFIXES and path.is_file():
            module = _module_in(path, name, options)
            if module is not None:
                return module
    return None


def _module_in(path: Path, name: str, options: Mapping[str, Any]) -> Flow | None:
    """Load a file if it is the common module looked for; what cannot be loaded is none."""
    text = path.read_bytes()
    if b"commonModule" not in text and path.suffix.lower() in {".yaml", ".yml"}:
        return None
    try:
        flow = load_flow_file(path, **options)
    except FlowError:
        return None
    return flow if flow.type == "commonModule" and flow.name.casefold() == name.casefold() else None


# -- stubs -------------------------------------------------------------------------------------------------------


def load_stubs(source: StubSource, *, folder: str | Path = ".") -> Stubs:
    """Make stubs of a file, a mapping in the form of a stub file, or a list of both; the first are asked first.

    Raises:
        FlowStubError: something in them is wrong, or a file cannot be read.

    """
    if source is None:
        return Stubs()
    if isinstance(source, Stubs):
        return source
    if isinstance(source, str | Path):
        path = Path(folder) / source
        return parse_stubs(_read_text(path, "the stubs", FlowStubError), str(path), _reader(path.parent))
    if isinstance(source, list | tuple):
        merged = Stubs()
        for one in source:
            merged = merged.over(load_stubs(one, folder=folder))
        return merged
    return read_stubs(Document("stubs", None, source), _reader(Path(folder)))


def load_contracts(paths: Iterable[str | Path]) -> Contracts:
    """Read exported data actions: files, or folders of `.json` files.

    Raises:
        FlowStubError: one is no exported data action.

    """
    files: list[Path] = []
    for path in map(Path, paths):
        files += sorted(path.glob("*.json")) if path.is_dir() else [path]
    return Contracts.of(read_contract(_read_text(file, "the contract", FlowStubError), str(file)) for file in files)


def run_flow(
    flow: Flow | str | Path,
    inputs: Mapping[str, Any] | None = None,
    *,
    stubs: StubSource = None,
    slots: Mapping[str, str] | None = None,
    lenient: bool = False,
    modules: Mapping[str, Flow] | None = None,
    contracts: Contracts | None = None,
    rules: Rules | None = None,
    now: datetime | None = None,
    pause: Callable[[float], None] | None = None,
) -> Outcome:
    """Run a flow offline and give everything that came of it; time is virtual, so waits take none.

    Args:
        flow: a loaded flow, or the path of its file.
        inputs: input -> JSON; names with their scope or without.
        stubs: answers of the world outside: a file, a mapping, or a list of both.
        slots: values for the flow's slots.
        lenient: as `load_flow_file` takes it.
        modules: common modules by name in lower case; by default those beside the flow's file.
        contracts: data action contracts to check against.
        rules: switches for what nothing public settles.
        now: when the run begins; Monday 2026-01-05 09:00 UTC by default.
        pause: called with the seconds of each wait, such as `time.sleep`.

    Raises:
        FlowError: any of its kinds; FlowStubError shows the stanza to add when a stub is missing.

    """
    loaded = flow if isinstance(flow, Flow) else load_flow_file(flow, slots=slots, lenient=lenient)
    if modules is None and not isinstance(flow, Flow):
        modules = load_modules(loaded, Path(flow).parent, slots=slots, lenient=lenient)
    return run_flow_on(
        loaded,
        inputs or {},
        load_stubs(stubs),
        modules=modules,
        contracts=contracts,
        rules=rules,
        now=now,
        pause=pause,
    )


# -- case files --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileResult:
    """What came of one case file.

    Attributes:
        problem: why none of its cases could be run; None when they could.
        seconds: how long each case took.

    """

    path: str
    bench: Bench | None
    results: tuple[CaseResult, ...] = ()
    problem: FlowError | None = None
    seconds: tuple[float, ...] = ()

    def coverage(self, into: Coverage | None = None) -> Coverage:
        """Count what its cases took, into a given count or a new one."""
        counted = Coverage() if into is None else into
        if self.bench is not None:
            counted.know(self.bench.flow)
        for result in self.results:
            if result.outcome is not None:
                counted.add(result.outcome.trace, result.outcome.flows.values())
        return counted


def open_case_file(path: str | Path) -> Bench:
    """Read a case file and load its flow, stubs, modules, contracts and snapshots.

    Raises:
        FlowCaseError, FlowStubError: it is written wrong.
        FlowError: its flow cannot be loaded.

    """
    file = Path(path)
    folder = file.parent
    cases = parse_case_file(_read_text(file, "the case file", FlowCaseError), str(path), _reader(folder))
    slots = {name: text for values in cases.values for name, text in load_slots(folder / values).items()}
    slots |= cases.slots
    flow = load_flow_file(folder / cases.flow, slots=slots, lenient=cases.lenient)
    contracts = load_contracts(folder / one for one in cases.contracts) if cases.contracts else None
    if contracts is not None:
        _check_stubs(cases, contracts)
    flow_folder = (folder / cases.flow).parent
    named = {name: str((folder / module).resolve()) for name, module in cases.modules.items()}
    modules = load_modules(flow, flow_folder, named, slots=slots, lenient=cases.lenient)
    return Bench(cases, flow, modules, contracts, _load_snapshots(file))


def _check_stubs(cases: CaseFile, contracts: Contracts) -> None:
    found = dict.fromkeys(problem for case in cases.cases for problem in stub_problems(case.stubs, contracts))
    if found:
        raise FlowStubError(
            "stubs contradict the contracts of their data actions:\n" + "\n".join(f"  {one}" for one in found),
            hint="Mend the stubs, or export the data actions again.",
        )


def run_cases(
    path: str | Path, *, update_snapshots: bool = False, only: str | None = None, part: tuple[int, int] = (0, 1)
) -> FileResult:
    """Run the cases of one file, all or those whose name contains `only`.

    `part` is (number, of how many): every so manieth case, for runs in parallel. A file that is written wrong gives
    a result with its problem; nothing is raised for it.
    """
    try:
        bench = open_case_file(path)
    except FlowError as error:
        return FileResult(str(path), None, problem=error)
    chosen = [case for case in bench.file.cases if only is None or only.casefold() in case.name.casefold()]
    results, seconds = [], []
    for case in chosen[part[0] :: part[1]]:
        started_s = perf_counter()
        results.append(run_case(bench, case))
        seconds.append(perf_counter() - started_s)
    if update_snapshots and any(result.snapshot for result in results):
        _store_snapshots(Path(path), bench, results)
        results = [_without_snapshot_mismatch(result) for result in results]
    return FileResult(str(path), bench, tuple(results), seconds=tuple(seconds))


def _without_snapshot_mismatch(result: CaseResult) -> CaseResult:
    kept = tuple(one for one in result.mismatches if one.what != "snapshot of the trace")
    return CaseResult(result.case, kept, result.error, result.outcome, result.snapshot)


def snapshot_path(path: Path) -> Path:
    """Give the file beside a case file that keeps its snapshots."""
    return path.with_name(path.name.removesuffix(".yaml").removesuffix(".yml") + SNAPSHOT_SUFFIX)


def _load_snapshots(path: Path) -> dict[str, tuple[str, ...]]:
    stored = snapshot_path(path)
    if not stored.exists():
        return {}
    document = read_document(_read_text(stored, "the snapshots", FlowCaseError), str(stored))
    return {str(name): tuple(map(str, lines)) for name, lines in document.value.items()}


def _store_snapshots(path: Path, bench: Bench, results: Iterable[CaseResult]) -> None:
    from flowlaunch.architect.stubs import as_yaml  # noqa: PLC0415 - only for those who store

    known = {case.name for case in bench.file.cases if case.snapshot}
    kept = {name: list(lines) for name, lines in bench.snapshots.items() if name in known}
    kept |= {result.case.name: list(result.snapshot) for result in results if result.snapshot}
    head = (
        "# Traces as they were when they were last accepted; `flowlaunch flow test --update-snapshots` writes this.\n"
    )
    snapshot_path(path).write_text(head + as_yaml(dict(sorted(kept.items())), width=10_000), encoding="utf-8")


# -- files -------------------------------------------------------------------------------------------------------


def _read_bytes(path: Path, what: str, error: type[FlowError] = FlowSyntaxError) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise error(f"cannot read {what} in {path}: {problem.strerror or problem}", hint="Check the path.") from problem


def _read_text(path: Path, what: str, error: type[FlowError] = FlowSyntaxError) -> str:
    try:
        return _read_bytes(path, what, error).decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(f"{path} is not UTF-8 (byte {problem.start:,})", hint="Save the file as UTF-8.") from problem


def _reader(folder: Path) -> Any:
    def read(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8-sig")

    return read
