"""Say what is wrong with an error body, a log line or a code snippet, against the real API contract.

Pure: text in, findings out. The knowledge is data: `rules_*.py` for what can be seen in text,
`error_codes.py` for the platform's codes. Each entry has its evidence class and source.
"""

from __future__ import annotations

from flowlaunch.explain.finding import EVIDENCE, Explanation, Finding
from flowlaunch.explain.reading import RULES, explain

__all__ = ["EVIDENCE", "RULES", "Explanation", "Finding", "explain"]
