"""From a source to decided rows, streaming, alike for a plan, a run and a refill."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowlaunch.batch.rules import Reopener, Rules, RulesConfig, plan_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.batch.decisions import History, RowPlan
    from flowlaunch.batch.mapping import RowMapper
    from flowlaunch.batch.rows import RowSource

__all__ = ["decided_rows", "fresh_rules", "mapped_rows", "reopener"]

NO_RULES = RulesConfig(dedupe_in_file=False)


def fresh_rules(rules: Rules | None) -> Rules:
    """Return rules that remember no row yet: each pass over the source decides anew."""
    return Rules() if rules is None else replace(rules)


def decided_rows(
    source: RowSource, mapper: RowMapper, rules: Rules | None, history: History, now_us: int
) -> Iterator[RowPlan]:
    """Yield every record of the source with its decision, numbered from 1, keeping one in memory."""
    return plan_rows(source, mapper.prepare, fresh_rules(rules), history, now_us)


def mapped_rows(source: RowSource, mapper: RowMapper) -> Iterator[RowPlan]:
    """Yield every record mapped and not judged: what a row's payload was."""
    return plan_rows(source, mapper.prepare, Rules(NO_RULES), None, 0)


def reopener(rules: Rules | None) -> Reopener | None:
    """Return what decides again about rows whose window shut, or None without rules."""
    if rules is None:
        return None
    return Reopener(rules.windows.rules if rules.windows is not None else None)
