"""The pytest plugin: fixtures `flow` and `sandbox`, and case files as tests when `flowlaunch_cases` says so.

Nothing of flowlaunch is imported before a test asks for it, so that suites which do not use it pay nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from flowlaunch.architect.flow import Flow
    from flowlaunch.architect.stubs import Outcome
    from flowlaunch.sandbox import Sandbox
    from flowlaunch.testing import CaseResult

__all__ = ["FlowUnderTest", "FlowWorkbench", "flow", "sandbox"]

_SUFFIXES = (".test.yaml", ".test.yml")


class FlowUnderTest:
    """A loaded flow that can be run again and again.

    Attributes:
        flow: the loaded flow.
        runs: every run so far, for looking at what was covered.

    """

    def __init__(self, flow: Flow, modules: Mapping[str, Flow], stubs: Any, folder: Path) -> None:
        self.flow = flow
        self.runs: list[Outcome] = []
        self._modules = modules
        self._stubs = stubs
        self._folder = folder

    def run(self, inputs: Mapping[str, Any] | None = None, *, stubs: Any = None, **options: Any) -> Outcome:
        """Run it and give what came of it.

        Args:
            inputs: input -> JSON; names with their scope or without.
            stubs: asked before those that the flow was loaded with.
            options: `contracts`, `rules` and `now`, as `flowlaunch.testing.run_flow` takes them.

        """
        from flowlaunch.testing import load_stubs, run_flow  # noqa: PLC0415 - see the module's docstring

        both = load_stubs(stubs, folder=self._folder).over(load_stubs(self._stubs, folder=self._folder))
        outcome = run_flow(self.flow, inputs, stubs=both, modules=self._modules, **options)
        self.runs.append(outcome)
        return outcome

    def missing(self) -> list[str]:
        """Say which actions and paths no run has taken, one line each."""
        from flowlaunch.architect.coverage import Coverage  # noqa: PLC0415

        coverage = Coverage()
        for outcome in self.runs:
            coverage.add(outcome.trace)
        return coverage.of(self.flow).missing()


class FlowWorkbench:
    """Loads flows from files; paths start at the folder of the test file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self, path: str | Path, *, stubs: Any = None, slots: Mapping[str, str] | None = None, lenient: bool = False
    ) -> FlowUnderTest:
        """Load a flow file, with stubs for all its runs: a file, a mapping, or a list of both."""
        from flowlaunch.testing import load_flow_file, load_modules  # noqa: PLC0415

        file = self._folder / path
        flow = load_flow_file(file, slots=slots, lenient=lenient)
        modules = load_modules(flow, file.parent, slots=slots, lenient=lenient)
        return FlowUnderTest(flow, modules, stubs, self._folder)


@pytest.fixture
def flow(request: pytest.FixtureRequest) -> FlowWorkbench:
    """Load a flow file and run it offline: `flow("order.yaml").run({"orderId": "7"}, stubs="stubs.yaml")`."""
    return FlowWorkbench(request.path.parent)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Serve a local Genesys Cloud for one test; `sandbox.url` is its address, the client is `demo`/`demo-secret`."""
    from flowlaunch.sandbox import Sandbox  # noqa: PLC0415

    with Sandbox() as running:
        yield running


# -- case files as tests -----------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting that turns case files into tests."""
    parser.addini("flowlaunch_cases", "collect *.test.yaml files as tests of flows", type="bool", default=False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseModule | None:
    """Take case files, if the setting asks for it."""
    if not file_path.name.lower().endswith(_SUFFIXES) or not parent.config.getini("flowlaunch_cases"):
        return None
    module: CaseModule = CaseModule.from_parent(parent, path=file_path)
    return module


class CaseModule(pytest.File):
    """A case file."""

    def collect(self) -> Iterator[CaseItem]:
        """Give its cases."""
        from flowlaunch.errors import FlowError  # noqa: PLC0415
        from flowlaunch.testing import open_case_file  # noqa: PLC0415

        try:
            bench = open_case_file(self.path)
        except FlowError as error:
            raise self.CollectError(str(error)) from error
        for case in bench.file.cases:
            yield CaseItem.from_parent(self, name=case.name, bench=bench, case=case)


class CaseFailedError(Exception):
    """A case whose expectations do not hold, or that could not be run."""

    def __init__(self, result: CaseResult) -> None:
        super().__init__(result.error or "\n".join(map(str, result.mismatches)))


class CaseItem(pytest.Item):
    """One case."""

    def __init__(self, *, bench: Any, case: Any, **known: Any) -> None:
        super().__init__(**known)
        self._bench = bench
        self._case = case

    def runtest(self) -> None:
        """Run the case and compare."""
        from flowlaunch.testing import run_case  # noqa: PLC0415

        if self._case.skip:
            pytest.skip(self._case.skip)
        result = run_case(self._bench, self._case)
        if result.state != "passed":
            raise CaseFailedError(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the mismatches without a traceback."""
        if isinstance(excinfo.value, CaseFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Tell where the case is written."""
        line = self._case.place.rpartition(":")[2]
        return self.path, int(line) - 1 if line.isdigit() else None, self.name
