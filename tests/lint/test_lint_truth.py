"""What lint says of a flow, held against runs of that flow."""

from __future__ import annotations

import random

import pytest
from lint_world import report
from random_flows import Maker, run_once

SEEDS = range(30)
FLOWS_EACH = 4
RUNS_EACH = 8


@pytest.mark.parametrize("seed", SEEDS)
def test_runs_bear_lint_out(seed):
    """What lint calls unreachable, NOT_SET, endless or unset is so in random runs of random flows, and none is missed.

    Held against each run: an action that is never reached does not run; an action with a value that is always
    NOT_SET fails; NOT_SET ends no run of which lint did not warn; an endless circle never completes; an output that
    may be NOT_SET was named if it is.
    """
    chance = random.Random(seed)  # noqa: S311 - flows, not secrets
    for _ in range(FLOWS_EACH):
        text = Maker(chance).flow()
        result = report(text)
        assert result.flow is not None, result.findings
        told = Told(result)
        for _ in range(RUNS_EACH):
            told.check(run_once(result.flow, chance), text)


class Told:
    """What lint said of one flow."""

    def __init__(self, result):
        self.flow = result.flow
        self.findings = result.findings
        by_place = {f"{a.ref.place} ({a.ref.name})": a.ref.number for a in self.flow.actions()}
        self.unreached = {by_place[one.action] for one in self.of("FL101")}
        self.failing = {by_place[one.action] for one in self.of("FL206")}
        self.warned = " ".join(one.message for one in (*self.of("FL206"), *self.of("FL207")))
        absent = [one.message.split('"')[1] for one in (*self.of("FL102"), *self.of("FL103"))]
        self.unreached |= {a.ref.number for a in self.flow.actions() if a.ref.container_name in absent}

    def of(self, code):
        return [one for one in self.findings if one.code == code]

    def check(self, ran, text):
        for entry in ran.trace.entries:
            assert entry.ref.number not in self.unreached, (entry.ref, text)
            assert entry.ref.number not in self.failing or entry.error, (entry.ref, text)
        if ran.error is not None and "NOT_SET" in ran.error.detail:
            name = ran.error.detail.split("`")[1] if "`" in ran.error.detail else ""
            assert f"`{name}`" in self.warned, (ran.error.detail, text)
        if ran.status == "COMPLETED":
            assert not any(
                "goes round and round" in one.message and "state0" in one.message for one in self.of("FL105")
            )
            said = [one for one in self.findings if one.code in {"FL204", "FL205"}]
            assert ran.outputs["Flow.a"] is not None or said, text
