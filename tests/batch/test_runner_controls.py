"""A batch steered while it runs: pause, resume, rate, concurrency, cancel, stop, ramp and error budget."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest
from runner_world import World, jump_meanwhile, row_plan, until

import flowlaunch.sandbox
from flowlaunch.batch.decisions import Decision
from flowlaunch.batch.ledger import Change
from flowlaunch.batch.states import RowState
from flowlaunch.sandbox import Delay, Status

LAUNCH = "executions.launch"
HOUR_US = 3_600_000_000
FLOWS = Path(flowlaunch.sandbox.__file__).parent / "flows"
PERSON = "ada"
JITTER_S = 1.0
"""What a twentieth of a second between sending and the sandbox's log is on a clock twenty times as fast."""


def bad_row(number):
    """A row whose flow fails: a required input is missing."""
    return row_plan(number, data={"Flow.priority": 5})


async def test_a_paused_batch_launches_nothing_until_it_is_resumed(open_world):
    """Pause holds within a second, and resume goes on where it was."""
    world = open_world().load(120)

    def control(**change):
        world.ledger.control(world.batch_id, by=PERSON, change=Change(**change))

    def on_event(event):
        if event.kind == "progress" and world.sandbox.launches() and "paused" not in world.kinds():
            control(paused=True, pause_reason="the boss calls")

    task = asyncio.create_task(world.run(on_event, pace_per_minute=300.0))
    await until(lambda: "paused" in world.kinds())
    await until(lambda: not world.counts().get("launching"))
    held = len(world.sandbox.launches())
    await world.clock.sleep(6.0)
    assert len(world.sandbox.launches()) == held
    control(paused=False)
    outcome = await task

    assert 0 < held < 120
    assert outcome.counts == {"completed": 120}
    assert [kind for kind in world.kinds() if kind.endswith("paused")] == ["paused", "unpaused"]


async def test_a_batch_that_does_not_wait_ends_when_it_is_paused(open_world):
    """Off a terminal a pause ends the run; what is left stays to be launched."""
    world = open_world().load(5)
    world.ledger.control(world.batch_id, by=PERSON, change=Change(paused=True, pause_reason="lunch"))

    outcome = await world.run(waits_when_paused=False)

    assert (outcome.ended, outcome.reason) == ("paused", "lunch")
    assert outcome.counts == {"pending": 5}


@pytest.mark.by_the_clock
async def test_rate_and_concurrency_change_while_it_runs(open_world):
    """A lower rate set from outside spaces the launches that follow."""
    world = open_world().load(60)

    def on_event(event):
        if event.kind == "progress" and world.sandbox.launches() and "changed" not in world.kinds():
            world.ledger.control(world.batch_id, by=PERSON, change=Change(rate_per_minute=120.0, concurrency=2))

    outcome = await world.run(on_event, pace_per_minute=200.0, track=False)

    assert outcome.counts == {"launched": 60}
    assert "changed" in world.kinds()
    times = sorted(row.intent_us for row in world.rows())
    assert (times[-1] - times[-6]) / 1e6 >= 5 * 0.5 * 0.8


async def test_cancel_gives_up_what_was_not_sent_and_follows_the_rest(open_world):
    """Cancel leaves no row to launch; what was launched is followed to its end."""
    world = open_world().load(600)
    task = asyncio.create_task(world.run(pace_per_minute=300.0))
    await world.until_launched(1)
    world.ledger.control(world.batch_id, by=PERSON, change=Change(cancelled=True))
    outcome = await task

    assert outcome.ended == "cancelled"
    assert set(outcome.counts) == {"completed", "cancelled"}
    assert outcome.counts["completed"] == len(world.sandbox.launches())
    assert sum(outcome.counts.values()) == 600


async def test_the_first_request_to_stop_finishes_what_is_in_flight(open_world):
    """After one request nothing new is sent, answers are awaited, and nothing is in doubt."""
    world = open_world().load(40)
    world.sandbox.faults.script(LAUNCH, None, Delay(0.2))
    task = asyncio.create_task(world.run(track=False))
    await until(lambda: world.counts().get("launching"))
    world.stop.request("Ctrl-C")
    outcome = await task

    assert (outcome.ended, outcome.reason) == ("stopped", "Ctrl-C")
    assert "in_doubt" not in outcome.counts
    assert "launching" not in outcome.counts
    assert outcome.counts["launched"] == len(world.sandbox.launches())
    assert world.ledger.batch(world.batch_id).worker_id is None


async def test_the_second_request_ends_at_once_and_what_was_in_flight_is_in_doubt(open_world):
    """After two requests nothing is awaited: rows in flight are in doubt, and no more than those."""
    world = open_world().load(20)
    world.sandbox.faults.script(LAUNCH, None, Delay(5.0))
    task = asyncio.create_task(world.run(track=False))
    await until(lambda: world.counts().get("launching") == 4)
    world.stop.request()
    world.stop.request()
    async with asyncio.timeout(4.5):  # sooner than the answers
        outcome = await task

    assert outcome.ended == "stopped"
    assert outcome.counts == {"in_doubt": 4, "pending": 16}


async def test_a_ramp_lets_few_rows_leave_until_the_first_have_ended_well(open_world):
    """With a ramp of 1, 5 and all, one row leaves, then four, then the rest, each after the ends before."""
    world = open_world().load(20)

    outcome = await world.run(ramp=("1", "5", "all"))

    rows = world.rows()
    assert outcome.counts == {"completed": 20}
    assert world.kinds().count("ramp") == 2
    assert min(row.intent_us for row in rows[1:]) > rows[0].ended_us
    assert min(row.intent_us for row in rows[5:]) > max(row.ended_us for row in rows[:5])


async def test_a_ramp_stops_at_a_first_row_whose_flow_fails(open_world):
    """It is the flow's end that counts: one launch accepted with 200 whose flow fails pauses the batch."""
    world = open_world().load([bad_row(1), *(row_plan(number) for number in range(2, 21))])

    outcome = await world.run(ramp=("1", "all"), max_failed=0.05)

    assert outcome.ended == "paused"
    assert outcome.counts == {"failed": 1, "pending": 19}
    assert "1 of 1 ended rows failed" in outcome.reason
    assert len(world.sandbox.launches()) == 1


async def test_a_person_who_looked_lets_the_batch_go_on(open_world):
    """After a pause by the error budget, resuming with the failures accepted goes on to the end."""
    world = open_world().load([bad_row(1), *(row_plan(number) for number in range(2, 21))])
    await world.run(ramp=("1", "all"))
    world.ledger.control(world.batch_id, by=PERSON, change=Change(paused=False))

    outcome = await world.run(ramp=("1", "all"), accepts_failures=True)

    assert outcome.counts == {"failed": 1, "completed": 19}


async def test_without_tracking_the_ramp_is_off_and_says_so(open_world):
    """When ends are not followed, nothing can judge a ramp: all rows leave, and an event tells."""
    world = open_world().load(5)

    outcome = await world.run(track=False, ramp=("1", "all"))

    assert outcome.counts == {"launched": 5}
    assert "tracking-off" in world.kinds()


async def test_a_later_run_follows_what_an_earlier_one_launched(open_world):
    """Rows launched and followed by nobody yet are followed by the next run."""
    world = open_world().load(5)
    world.stop.request()
    await world.run()
    world.stop.level = 0
    task = asyncio.create_task(world.run(pace_per_minute=100.0))
    await world.until_launched(1)
    world.stop.request()
    first = await task
    world.stop.level = 0

    outcome = await world.run()

    assert first.counts.get("launched", 0) + first.counts.get("completed", 0) >= 1
    assert outcome.counts == {"completed": 5}


@pytest.mark.by_the_clock
async def test_the_pace_holds_in_any_minute_by_the_sandboxes_own_log(open_world):
    """At 300 a minute no sliding minute holds more requests, launches and looks together, also after a resume."""
    world = open_world().load(260)
    task = asyncio.create_task(world.run(pace_per_minute=300.0))
    await world.until_launched(100)
    world.stop.request()
    await task
    world.stop.level = 0
    outcome = await world.run(pace_per_minute=300.0)

    seen = [entry for entry in world.sandbox.journal() if entry.operation in {LAUNCH, "executions.get"}]
    times = sorted(entry.monotonic_s * world.clock.speed for entry in seen)
    assert outcome.counts == {"completed": 260}
    assert most_in(times, 60.0 - JITTER_S) <= 300


@pytest.mark.by_the_clock
async def test_two_batches_of_one_ledger_share_one_budget(open_world):
    """Two runners with the same OAuth client, each with a connection of its own, keep to one budget together."""
    world = open_world().load(200)
    other = World(world.sandbox, world.place, world.clock)
    other.load(200)
    first, second = await asyncio.gather(
        world.run(pace_per_minute=300.0, track=False), other.run(pace_per_minute=300.0, track=False)
    )
    other.close()

    times = sorted(entry.monotonic_s * world.clock.speed for entry in world.sandbox.journal(LAUNCH))
    assert first.counts == second.counts == {"launched": 200}
    assert most_in(times, 60.0 - JITTER_S) <= 300


def most_in(times, window_s):
    """The most instants that any half-open window of that length holds."""
    first, most = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.by_the_clock
async def test_progress_tells_what_the_batch_waits_for(open_world):
    """Progress names the counts, the budget and what holds the next row back."""
    world = open_world().load(30)

    await world.run(pace_per_minute=300.0)

    progress = [event.fields for event in world.events if event.kind == "progress"]
    assert {"counts", "launched_per_minute", "budget_per_minute", "in_flight", "eta_s", "waiting_for"} <= set(
        progress[0]
    )
    assert "pace" in {fields["waiting_for"] for fields in progress}
    assert all(earlier.at <= later.at for earlier, later in pairwise(world.events))


async def test_retried_rows_are_launched_again_as_new_attempts(open_world):
    """Only failed and refused rows are tried again, each with one more attempt."""
    world = open_world().load(4)
    world.sandbox.faults.script(LAUNCH, 2, Status(400))
    await world.run(concurrency=1, max_failed=None)
    retried = world.ledger.retry(world.batch_id, by=PERSON)

    outcome = await world.run()

    assert retried == 1
    assert outcome.counts == {"completed": 4}
    assert sorted(row.attempts for row in world.rows()) == [1, 1, 1, 2]
    assert all(row.state is RowState.COMPLETED for row in world.rows())


async def test_a_row_whose_window_shut_waits_for_the_next_one(open_world, monkeypatch):
    """A row that comes up after its window closed is decided again and not sent before the next opening."""
    world = open_world()
    now_us = round(world.clock.now().unix_s * 1e6)
    shuts_us, opens_us = now_us + HOUR_US, now_us + 2 * HOUR_US
    world.load([row_plan(number, closes_us=shuts_us, calendars=("office@UTC",)) for number in range(1, 13)])

    def reopen(row, at_us):
        assert row.calendars == ("office@UTC",)
        opens = opens_us if at_us < opens_us else None
        return Decision(kind="launch", reason="waits-for-window", not_before_us=opens, closes_us=opens_us + HOUR_US)

    jump_meanwhile(world, monkeypatch, "commit", 7_200.0 - 20.0)
    outcome = await world.run(pace_per_minute=300.0, concurrency=1, reopen=reopen, track=False)

    times = [row.intent_us for row in world.rows()]
    assert outcome.counts == {"launched": 12}
    assert any(at < shuts_us for at in times)
    assert any(at >= opens_us - 60_000 for at in times)
    assert [at for at in times if shuts_us <= at < opens_us - 60_000] == []


async def test_a_row_whose_window_shut_is_held_where_no_rules_are_known(open_world):
    """Resumed without its rules, a batch sends nothing out of hours: the row is held for a person."""
    world = open_world()
    past_us = round(world.clock.now().unix_s * 1e6) - 1_000_000
    world.load([row_plan(1, closes_us=past_us, calendars=("office@UTC",)), row_plan(2)])

    outcome = await world.run()

    assert outcome.counts == {"completed": 1, "held": 1}
    assert outcome.has_unlaunched


@pytest.mark.by_the_clock
async def test_a_flow_published_anew_is_told_and_the_version_stays(open_world):
    """A new version raises an event; the rows that follow still launch the version of the batch's beginning."""
    world = open_world().load(110)
    text = (FLOWS / "order-follow-up.yaml").read_text("utf-8")

    def on_event(event):
        if event.kind == "started":
            world.sandbox.upload_flow(text + "# again\n", "order-follow-up.yaml")

    outcome = await world.run(on_event, pace_per_minute=60.0, track=False)

    told = [event.fields for event in world.events if event.kind == "flow-republished"]
    assert outcome.counts == {"launched": 110}
    assert [fields["pinned"] for fields in told] == ["1.0"]
    assert {one.flow_version for one in world.sandbox.launches()} == {"1.0"}


@pytest.mark.parametrize("share", [0.05, 1, None])
async def test_rows_that_fail_within_the_error_budget_do_not_pause(open_world, share):
    """One failure in thirty is within 5 %, within one row, and within no bound."""
    world = open_world().load([*(row_plan(number) for number in range(1, 30)), bad_row(30)])

    outcome = await world.run(max_failed=share)

    assert outcome.ended == "finished"
    assert outcome.counts == {"completed": 29, "failed": 1}
