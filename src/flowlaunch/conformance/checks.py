"""The checks as data: what is asked of a client, for how many points, why, and how it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from flowlaunch.conformance.scorecard import Ruling

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.conformance.observation import Observation
    from flowlaunch.conformance.task import Statement
    from flowlaunch.conformance.trials import Trial

__all__ = ["CHECKS", "GRACE_S", "Check", "judge"]

GRACE_S: Final = 1.0
"""Over the deadline: for ending connections, printing, and a busy machine."""
EARLY_S: Final = 0.05
"""Under a wait that the service asked for: clocks of two processes."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing asked of a client.

    Attributes:
        applies: in which trials it is asked.
        find_fault: why the points are lost; "" when they are not.

    """

    name: str
    points: int
    claim: str
    why: str
    applies: Callable[[Trial], bool]
    find_fault: Callable[[Trial, Observation], str]


def judge(trial: Trial, seen: Observation) -> tuple[Ruling, ...]:
    """Judge one trial; a client that never met what goes wrong has shown nothing and earns nothing."""
    asked = [check for check in CHECKS if check.applies(trial)]
    missed = _missed(trial, seen)
    return tuple(Ruling(check.name, check.points, missed or check.find_fault(trial, seen)) for check in asked)


def _missed(trial: Trial, seen: Observation) -> str:
    """Tell how a client got past what goes wrong; "" when it met it."""
    if not any(request.operation == trial.reaches for request in seen.requests):
        return f"no {'launch' if trial.reaches != 'token' else 'sign-in'} reached the sandbox{_ended_how(seen)}"
    return "" if seen.is_met else f"not met: no connection was tried after the sign-in{_ended_how(seen)}"


def _ended_how(seen: Observation) -> str:
    """Tell the end of a client that did less than it was asked to, in its own last words."""
    if seen.exit_code is None:
        return "; the client was killed"
    last = next((line.strip() for line in reversed(seen.talk.splitlines()) if line.strip()), "")
    if seen.statements and seen.statements[-1].error:
        last = f"{seen.statements[-1].error} {seen.statements[-1].message}".strip()
    return f" (exit code {seen.exit_code}{': ' + last[:120] if last else ''})"


# -- the judges ---------------------------------------------------------------------------------------------------


def _always(trial: Trial) -> bool:
    del trial
    return True


def _once(trial: Trial, seen: Observation) -> str:
    started = len(seen.executions)
    return f"{started} executions started for {_count(trial.launches, 'launch')}" if started > trial.launches else ""


def _no_repeat(trial: Trial, seen: Observation) -> str:
    del trial
    posts = seen.posts
    first = next((place for place, post in enumerate(posts, 1) if post.leaves_doubt), len(posts))
    again = len(posts) - first
    return f"sent the launch again {_times(again)} after an answer that leaves doubt" if again else ""


def _in_time(trial: Trial, seen: Observation) -> str:
    del trial
    budget_s = seen.task.budget_s
    if seen.exit_code is None:
        return f"did not end: killed long after its {budget_s:g} s"
    if seen.took_s is not None and seen.took_s > budget_s + GRACE_S:
        return f"took {seen.took_s:.1f} s of the {budget_s:g} s it had"
    return ""


def _reported(trial: Trial, seen: Observation) -> str:
    if seen.mistakes:
        return f"wrote a line that breaks the contract: {seen.mistakes[0]}"
    said = len(seen.statements)
    if said != trial.launches:
        return f"said what became of {said} of {_count(trial.launches, 'launch')}{_ended_how(seen)}"
    return f"ended with exit code {seen.exit_code}" if seen.exit_code else ""


def _honest(trial: Trial, seen: Observation) -> str:
    del trial
    started, claimed = seen.executions, [one.execution_id for one in seen.statements if one.outcome == "launched"]
    strange = [each for each in claimed if each not in started]
    if strange:
        return "says launched, with an id that no execution has"
    if len(set(claimed)) < len(claimed):
        return "gives one id to two launches"
    denied = sum(one.outcome == "not-launched" for one in seen.statements)
    open_ends = len(seen.statements) - denied - len(claimed)
    if denied and len(started) > len(claimed) + open_ends:
        return "says not launched, and an execution runs"
    return "" if seen.statements else "says nothing"


def _launched(trial: Trial, seen: Observation) -> str:
    right = sum(one.outcome == "launched" and one.execution_id in seen.executions for one in seen.statements)
    if right >= trial.launches:
        return ""
    other = next((one for one in seen.statements if one.outcome != "launched"), None)
    how = f"; it said {_said(other)}" if other else ""
    return f"brought {right} of {_count(trial.launches, 'launch')} to an execution's id{how}"


def _told_doubt(trial: Trial, seen: Observation) -> str:
    del trial
    for one in seen.statements:
        found = one.outcome == "launched" and one.execution_id in seen.executions
        if one.outcome != "in-doubt" and not found:
            return f"says {_said(one)}, so its caller cannot see that the launch may be running"
    return "" if seen.statements else "says nothing"


def _named(trial: Trial, seen: Observation) -> str:
    for one in seen.statements:
        if one.outcome == "launched":
            continue
        if not one.error:
            return "names no error"
        if _status_came(trial, seen) and one.status != trial.status and str(trial.status) not in one.message:
            return f"does not tell that the answer was {trial.status} (it names {one.error})"
    return "" if seen.statements else "says nothing"


def _status_came(trial: Trial, seen: Observation) -> bool:
    return trial.status is not None and any(request.status == trial.status for request in seen.requests)


def _waited(trial: Trial, seen: Observation) -> str:
    for refused, again in pairwise(seen.posts):
        if refused.status == 429 and again.at_s - refused.at_s < trial.wait_s - EARLY_S:
            return f"sent again after {again.at_s - refused.at_s:.2f} s, told to wait {trial.wait_s:g} s"
    return ""


def _followed(trial: Trial, seen: Observation) -> str:
    del trial
    for one in seen.statements:
        truth = seen.executions.get(one.execution_id, "")
        if not one.final_status or one.final_status != truth:
            return f"says that the execution ended {one.final_status or 'nowhere'}; it is {truth or 'unknown'}"
    return "" if seen.statements else "says nothing"


def _said(one: Statement) -> str:
    return f"{one.outcome} ({one.error})" if one.error else one.outcome


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}es"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


CHECKS: Final[tuple[Check, ...]] = (
    Check(
        "once",
        4,
        "Never more executions than launches that were asked for.",
        "A second one calls the customer twice, and nobody can take it back.",
        _always,
        _once,
    ),
    Check(
        "no-repeat",
        2,
        "Nothing is sent again after an answer that leaves doubt.",
        "Where it went well all the same, that was luck.",
        lambda trial: trial.leaves_doubt,
        _no_repeat,
    ),
    Check(
        "in-time",
        3,
        f"Ends by itself within the deadline, {GRACE_S:g} s over it at most.",
        "A caller that hangs stops everything behind it. Counted from the first request, so a slow start is free.",
        _always,
        _in_time,
    ),
    Check(
        "reported",
        2,
        "Says one line for each launch and ends with exit code 0.",
        "A crash tells its caller nothing that a program can act on.",
        _always,
        _reported,
    ),
    Check(
        "honest",
        3,
        "Says nothing that the journal knows to be false: ids are real, and what was not launched does not run.",
        "Whoever is told 'not launched' launches again.",
        _always,
        _honest,
    ),
    Check(
        "launched",
        3,
        "Makes every launch and tells the right id, where that is possible without a risk.",
        "These faults pass by themselves; a client that gives up leaves the same work to every caller.",
        lambda trial: not trial.leaves_doubt,
        _launched,
    ),
    Check(
        "tells-doubt",
        2,
        "Says that the launch is in doubt (or finds its execution and tells the id).",
        "Only who knows that it may be running looks before launching again.",
        lambda trial: trial.leaves_doubt,
        _told_doubt,
    ),
    Check(
        "named",
        1,
        "Names the error, and its HTTP status where one came.",
        "Support and scripts need to know what came back.",
        _always,
        _named,
    ),
    Check(
        "waited",
        1,
        "Sends again no sooner than Retry-After says.",
        "Sooner is refused again, and counts against the limit.",
        lambda trial: trial.wait_s > 0,
        _waited,
    ),
    Check(
        "followed",
        2,
        "Reads the execution to its end and tells its true final status.",
        "A launch is only half of what its caller wants to know.",
        lambda trial: trial.follows,
        _followed,
    ),
)
"""In the order in which they are shown."""
