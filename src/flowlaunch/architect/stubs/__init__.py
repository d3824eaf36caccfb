"""Stubs: how the world outside answers a flow that runs offline."""

from flowlaunch.architect.stubs.contracts import Contract, Contracts, read_contract, stub_problems
from flowlaunch.architect.stubs.model import Stubs
from flowlaunch.architect.stubs.parse import parse_stubs, read_stubs
from flowlaunch.architect.stubs.runner import DEFAULT_NOW, Outcome, run_flow_on
from flowlaunch.architect.stubs.samples import as_yaml, skeleton
from flowlaunch.architect.stubs.world import Call, StubWorld

__all__ = [
    "DEFAULT_NOW",
    "Call",
    "Contract",
    "Contracts",
    "Outcome",
    "StubWorld",
    "Stubs",
    "as_yaml",
    "parse_stubs",
    "read_contract",
    "read_stubs",
    "run_flow_on",
    "skeleton",
    "stub_problems",
]
