"""Checking a flow before it goes live: everything the loader knows, and rules about paths, variables and contracts."""

from flowlaunch.architect.lint.contracts import Contract, read_contract
from flowlaunch.architect.lint.finding import Finding, Report
from flowlaunch.architect.lint.linter import lint_text
from flowlaunch.architect.lint.rules import RULES, Rule
from flowlaunch.architect.lint.sarif import sarif_log

__all__ = ["RULES", "Contract", "Finding", "Report", "Rule", "lint_text", "read_contract", "sarif_log"]
