"""Case files: runs of a flow, and what must come of each."""

from flowlaunch.architect.cases.model import Case, CaseFile, CaseResult, Expectation, Mismatch
from flowlaunch.architect.cases.mutants import MutantResult, run_mutants
from flowlaunch.architect.cases.parse import parse_case_file
from flowlaunch.architect.cases.run import Bench, run_case
from flowlaunch.architect.cases.trace_text import trace_lines

__all__ = [
    "Bench",
    "Case",
    "CaseFile",
    "CaseResult",
    "Expectation",
    "Mismatch",
    "MutantResult",
    "parse_case_file",
    "run_case",
    "run_mutants",
    "trace_lines",
]
