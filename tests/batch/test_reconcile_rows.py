"""Settling rows in doubt: by proof only, each decision recorded, nothing sent by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from runner_world import FastClock, row_plan

from flowlaunch import AsyncClient
from flowlaunch.batch.evidence import SETTLED_US, Doubt, InstanceMatch, Mark, Runs, judge_doubts, spans
from flowlaunch.batch.handle import BatchHandle
from flowlaunch.batch.headcount import Headcount, Presence, judge_count, presences_in
from flowlaunch.batch.reconcile import reconcile_batch
from flowlaunch.batch.states import RowState
from flowlaunch.sandbox import DropAfterProcessing, Status

LAUNCH = "executions.launch"
T0 = 1_800_000_000_000_000
LATER = T0 + 2 * SETTLED_US


def doubt(number=1, at_us=T0, **more):
    return Doubt(row_id=number, number=number, key=f"k{number}", token=f"tok{number}", from_us=at_us,
                 until_us=at_us + 60_000_000, **more)  # fmt: skip


def told(*ids, whole=True):
    found = tuple(InstanceMatch(execution_id=one, started_us=T0 + 1_000_000) for one in ids)
    return Runs(found=found, is_whole=whole, why_not="" if whole else "cut short")


def verdicts(doubts, runs, marks=None, known=(), now_us=LATER):
    by_span = dict.fromkeys(spans(doubts), runs)
    return [(one.verdict, one.execution_id) for one in judge_doubts(doubts, by_span, known, marks or {}, now_us)]


def test_a_run_with_the_rows_token_in_its_name_proves_the_launch():
    """A name that carries the row's token belongs to no other launch."""
    found = verdicts([doubt(is_named=True)], told("e1", "e2"), {"e2": Mark(name="call tok1")})

    assert found == [("launched", "e2")]


def test_a_run_that_gave_the_token_back_proves_the_launch():
    """A flow that gives its token input back as an output tells whose run it is."""
    assert verdicts([doubt(has_token_input=True)], told("e1"), {"e1": Mark(token="tok1")}) == [("launched", "e1")]


def test_no_run_at_all_proves_that_nothing_was_launched():
    """When all runs of the time are known and none is left over, the row was not launched."""
    assert verdicts([doubt()], told()) == [("absent", None)]
    assert verdicts([doubt()], told("e1"), known={"e1"}) == [("absent", None)]


def test_a_recent_row_is_not_called_absent():
    """Execution data may come late: a young row that is not found stays in doubt."""
    assert verdicts([doubt()], told(), now_us=T0 + 61_000_000) == [("unknown", None)]


def test_an_incomplete_answer_proves_no_absence():
    """When runs may have been left out of the answer, a missing one proves nothing."""
    assert verdicts([doubt()], told(whole=False)) == [("unknown", None)]


def test_a_single_unexplained_run_is_shown_and_not_taken():
    """One run that might be the row's might be somebody else's as well: a person decides."""
    assert verdicts([doubt()], told("e1")) == [("unknown", None)]


def test_runs_with_another_mark_are_somebody_elses():
    """Where the row's token would stand and another text does, the run is not the row's; without marks it may be."""
    row = doubt(is_named=True)

    assert verdicts([row], told("e1"), {"e1": Mark(name="call tok9")}) == [("absent", None)]
    assert verdicts([row], told("e1"), {"e1": Mark(name="")}) == [("unknown", None)]
    assert verdicts([doubt()], told("e1"), {"e1": Mark(name="call tok9")}) == [("unknown", None)]


def test_one_run_is_given_to_one_row_only():
    """Of two rows of the same moment, the run with the first one's token is no candidate for the second."""
    rows = [doubt(1, is_named=True), doubt(2, is_named=True)]

    assert verdicts(rows, told("e1"), {"e1": Mark(name="tok1")}) == [("launched", "e1"), ("absent", None)]


def test_times_far_apart_are_asked_for_apart():
    """Rows of one minute share a query; an hour between them is not searched."""
    rows = [doubt(1), doubt(2, T0 + 5_000_000), doubt(3, T0 + 3_600_000_000)]

    assert len(spans(rows)) == 2


def by_count(counted, doubtful=2, age_us=2 * SETTLED_US, *, sole=False, **head):
    told = Headcount(counted=counted, **{"sure": 3, **head})
    return judge_count(told, doubtful, age_us, SETTLED_US, is_sole=sole)[0]


@pytest.mark.parametrize(
    ("counted", "given", "verdict"),
    [
        (3, {}, "absent"),
        (3, {"maybe": 2}, "absent"),
        (4, {}, "unknown"),
        (5, {}, "unknown"),
        (5, {"sole": True}, "launched"),
        (5, {"sole": True, "maybe": 1}, "unknown"),
        (4, {"sole": True}, "unknown"),
        (2, {}, "unknown"),
        (0, {"sure": 0}, "unknown"),
        (3, {"age_us": SETTLED_US - 1}, "unknown"),
        (3, {"longest_us": SETTLED_US}, "unknown"),
        (None, {}, "unknown"),
    ],
)
def test_a_number_of_runs_proves_what_it_can(counted, given, verdict):
    """Known rows that explain the whole number prove absence; launches only where nobody else launches the flow."""
    assert by_count(counted, **given) == verdict


def test_a_run_on_the_edge_of_a_span_is_not_counted_as_sure():
    """Only runs that started inside for certain explain the number; one on the edge, or without an id, may."""
    inside = Presence(earliest_us=10, latest_us=12, took_us=7)
    edge = Presence(earliest_us=18, latest_us=22)
    guessed = Presence(earliest_us=10, latest_us=12, is_sure=False)
    outside = Presence(earliest_us=30, latest_us=31)

    assert presences_in((0, 20), [inside, edge, guessed, outside]) == Headcount(
        counted=None, sure=1, maybe=2, longest_us=7
    )


@pytest.fixture
async def doubtful(open_world):
    """A batch with two rows in doubt: the first is running, the second was not carried out."""
    world = open_world(execution_data=True)
    world.load([row_plan(number, name=f"order {number} token-{number}") for number in (1, 2, 3)])
    world.sandbox.faults.script(LAUNCH, 1, DropAfterProcessing())
    world.sandbox.faults.script(LAUNCH, 2, Status(503))
    await world.run(concurrency=1)
    return world


async def reconciled(world, *, hours=1.0, **options):
    async with AsyncClient(world.url, client_id="demo", client_secret="demo-secret") as client:
        now = datetime.now(UTC) + timedelta(hours=hours)
        return await reconcile_batch(world.ledger, world.batch_id, client=client, now=now, **options)


async def test_what_is_proved_is_settled_with_its_grounds(doubtful, monkeypatch):
    """The running row is found by its name and followed, the other is absent and launched by the next run."""
    monkeypatch.setattr(type(doubtful.clock), "speed", 1.0, raising=False)
    now_us = {row.number: row for row in doubtful.rows()}
    assert now_us[1].state is RowState.IN_DOUBT

    report = await reconciled(doubtful)

    assert (report.settled_launched, report.settled_absent, report.left) == (1, 1, 0)
    assert [row.verdict for row in report.rows] == ["launched", "absent"]
    settled = [event for event in doubtful.ledger.events(doubtful.batch_id) if event.kind == "row-settled"]
    assert {event.facts["by"] for event in settled} == {"reconcile"}
    outcome = await doubtful.run()
    assert outcome.counts == {"completed": 3}
    assert set(doubtful.launches().values()) == {1}


async def test_looking_alone_settles_nothing(doubtful):
    """Without settling, the evidence is shown and the ledger stays as it is."""
    report = await reconciled(doubtful, settle=False)

    assert report.left == 2
    assert sum(row.state is RowState.IN_DOUBT for row in doubtful.rows()) == 2


async def test_without_execution_data_the_report_says_so_and_settles_nothing(open_world):
    """Where the platform stores no execution data, every row is left to a person, with the reason."""
    world = open_world().load(2)
    world.sandbox.faults.script(LAUNCH, 1, DropAfterProcessing())
    await world.run(concurrency=1)

    report = await reconciled(world)

    assert (report.settled_launched, report.settled_absent, report.left) == (0, 0, 1)
    assert "execution data" in report.notes[0]
    assert report.rows[0].verdict == "unknown"


@pytest.fixture
async def uncounted(open_world):
    """A batch of four rows in an org without execution data: the second was never carried out."""
    world = open_world(fast_clock=FastClock(1.0)).load(4)
    world.sandbox.faults.script(LAUNCH, 2, Status(503))
    await world.run(concurrency=1)
    return world


async def test_without_execution_data_the_number_of_runs_proves_absence(uncounted):
    """When the platform counts as many runs as rows are known to run, the row in doubt is pending again."""
    report = await reconciled(uncounted)

    assert (report.settled_launched, report.settled_absent, report.left) == (0, 1, 0)
    assert "the platform counts 3 runs of the flow at that time, 3 rows known to run" in report.rows[0].why
    assert (await uncounted.run()).counts == {"completed": 4}
    assert set(uncounted.launches().values()) == {1}


@pytest.mark.by_the_clock
async def test_a_strangers_run_leaves_the_row_to_a_person(uncounted):
    """One run more than rows might be the row's or somebody else's: the numbers are shown and nothing is settled."""
    async with AsyncClient(uncounted.url, client_id="demo", client_secret="demo-secret") as stranger:
        await stranger.launch("Order follow-up", {"customerName": "Eve", "orderId": "hers"})

    report = await reconciled(uncounted)

    assert (report.settled_launched, report.settled_absent, report.left) == (0, 0, 1)
    assert "at most 1 of 1 row in doubt ran" in report.rows[0].why


async def test_where_nobody_else_launches_the_number_proves_launches_too(open_world):
    """With the promise that all runs are rows', a number that fits settles the row in doubt as launched."""
    world = open_world(fast_clock=FastClock(1.0)).load(3)
    world.sandbox.faults.script(LAUNCH, 2, DropAfterProcessing())
    await world.run(concurrency=1)

    assert (await reconciled(world)).left == 1
    report = await reconciled(world, is_sole=True)

    assert (report.settled_launched, report.left) == (1, 0)
    assert (await world.run()).counts == {"completed": 2, "launched": 1}
    assert set(world.launches().values()) == {1}


async def test_a_persons_word_explains_no_run(open_world):
    """A row that a person settled as launched, wrongly, does not stand for a run that is another row's."""
    world = open_world(fast_clock=FastClock(1.0)).load(3)
    world.sandbox.faults.script(LAUNCH, 2, Status(503))
    world.sandbox.faults.script(LAUNCH, 3, DropAfterProcessing())
    await world.run(concurrency=1)
    with BatchHandle(world.place) as handle:
        handle.decide(["k2"], "launched", by="ada", execution_id="made-up")

    report = await reconciled(world)

    assert (report.settled_absent, report.left) == (0, 1)
    assert "1 row known to run, 1 more may" in report.rows[0].why


@pytest.mark.by_the_clock
async def test_without_the_right_to_count_the_report_names_it(uncounted):
    """A client that may not ask for numbers is told which permission it lacks, and settles nothing."""
    async with AsyncClient(uncounted.url, client_id="demo-readonly", client_secret="demo-readonly-secret") as client:
        report = await reconcile_batch(uncounted.ledger, uncounted.batch_id, client=client,
                                       now=datetime.now(UTC) + timedelta(hours=1))  # fmt: skip

    assert report.left == 1
    assert "analytics:flowExecutionAggregate:view" in report.rows[0].why


async def test_a_person_decides_what_is_left_and_it_is_recorded(doubtful):
    """Decisions by key name who took them; an absent row is launched by the next run, a launched one is not."""
    with BatchHandle(doubtful.place) as handle:
        assert handle.decide(["k1"], "launched", by="ada", grounds="seen in the log") == 1
        assert handle.decide("all", "absent", by="ada") == 1

    outcome = await doubtful.run()

    assert outcome.counts == {"completed": 2, "launched": 1}
    assert set(doubtful.launches().values()) == {1}
    settled = [event for event in doubtful.ledger.events(doubtful.batch_id) if event.kind == "row-settled"]
    assert [event.facts["by"] for event in settled] == ["ada", "ada"]
