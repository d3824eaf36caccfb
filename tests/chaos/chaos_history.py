"""A judge of histories: what the sandbox's journal saw against what the ledger says.

Every rule is a function from a `History` to findings, each a sentence about one row or one instant; no finding is
what the promises ask for. The journal knows what happened, the ledger is what an operator would believe.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from flowlaunch.batch.states import RowState

ENDED = {RowState.COMPLETED, RowState.FAILED}
SAYS_LAUNCHED = ENDED | {RowState.LAUNCHED}
MAY_HAVE_BEEN_LAUNCHED = SAYS_LAUNCHED | {RowState.IN_DOUBT}
AT_WORK = {RowState.LAUNCHING}
WINDOW_S = 60.0


@dataclass(frozen=True)
class Seen:
    """One launch that the sandbox carried out."""

    row: str
    execution_id: str


@dataclass(frozen=True)
class Said:
    """One row as the ledger has it."""

    row: str
    state: RowState
    execution_id: str | None = None


@dataclass(frozen=True)
class History:
    """All that is judged.

    Attributes:
        launches: what the sandbox launched, in order.
        rows: what the ledger says of each row.
        sent_s: instants at which the sandbox saw requests of the OAuth client, on its own clock.
        budget_per_minute: what it may send; None: any.
        most_in_doubt: rows that may be in doubt: what was in flight whenever something was killed or cut off.
        accepted: launches that a gateway said yes to, by their row.
        is_over: whether all work was done when the ledger was read.

    """

    launches: tuple[Seen, ...]
    rows: tuple[Said, ...]
    sent_s: tuple[float, ...] = ()
    budget_per_minute: float | None = None
    most_in_doubt: int | None = None
    accepted: tuple[str, ...] = field(default=())
    is_over: bool = True

    @property
    def tries_the_pace(self):
        """Whether more was sent than a minute may hold: with less no pace can be broken."""
        return self.budget_per_minute is not None and len(self.sent_s) > self.budget_per_minute


def launched_twice(history):
    """A row is launched at most once."""
    counts = Counter(one.row for one in history.launches)
    return [f"row {row} was launched {count} times" for row, count in counts.items() if count > 1]


def launched_unknown(history):
    """Every row that was launched is known as launched, or in doubt."""
    said = {one.row: one for one in history.rows}
    findings = []
    for one in history.launches:
        row = said.get(one.row)
        if row is None:
            findings.append(f"execution {one.execution_id} belongs to no row of the ledger ({one.row})")
        elif row.state not in MAY_HAVE_BEEN_LAUNCHED | (set() if history.is_over else AT_WORK):
            findings.append(f"row {one.row} was launched, and the ledger says {row.state.value}")
    return findings


def launched_in_the_ledger_only(history):
    """Every row that the ledger calls launched was launched, as that execution."""
    executions = defaultdict(set)
    for one in history.launches:
        executions[one.row].add(one.execution_id)
    return [
        f"row {one.row}: the ledger says {one.state.value} as {one.execution_id}, the journal {executions[one.row]}"
        for one in history.rows
        if one.state in SAYS_LAUNCHED and one.execution_id not in executions[one.row]
    ]


def left_behind(history):
    """When all is over no row waits or is held by someone."""
    if not history.is_over:
        return []
    waiting = {RowState.PENDING, *AT_WORK}
    return [f"row {one.row} was left {one.state.value}" for one in history.rows if one.state in waiting]


def over_the_pace(history):
    """In no sliding minute more requests are sent than the budget."""
    if history.budget_per_minute is None:
        return []
    times, first, findings = sorted(history.sent_s), 0, []
    for last, at_s in enumerate(times):
        while at_s - times[first] >= WINDOW_S:
            first += 1
        count = last - first + 1
        if count > history.budget_per_minute:
            findings.append(f"{count} requests in the minute that ends at {at_s:.3f} s")
    return findings[:1]


def too_many_in_doubt(history):
    """No more rows are in doubt than were in flight when something was killed."""
    doubtful = sum(one.state is RowState.IN_DOUBT for one in history.rows)
    if history.most_in_doubt is None or doubtful <= history.most_in_doubt:
        return []
    return [f"{doubtful} rows are in doubt, {history.most_in_doubt} may be"]


def accepted_and_lost(history):
    """Every launch that a gateway accepted is a row, and ends when all is over."""
    said = {one.row: one.state for one in history.rows}
    findings = [f"accepted launch {row} is in no ledger" for row in history.accepted if row not in said]
    if history.is_over:
        unended = {RowState.PENDING, RowState.LAUNCHING, RowState.LAUNCHED}
        findings += [f"accepted launch {row} did not end" for row in history.accepted if said.get(row) in unended]
    return findings


RULES = (
    launched_twice,
    launched_unknown,
    launched_in_the_ledger_only,
    left_behind,
    over_the_pace,
    too_many_in_doubt,
    accepted_and_lost,
)


def findings_of(history):
    """Return every breach of every rule."""
    return [finding for rule in RULES for finding in rule(history)]
