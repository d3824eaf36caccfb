"""A runner under faults: what is in doubt stays in doubt, what was not sent is sent later, nothing is sent twice."""

import asyncio

import pytest
from runner_world import FastClock, jump_meanwhile, row_plan

from flowlaunch._core.steps import Moment
from flowlaunch.batch.states import RowState
from flowlaunch.errors import AuthenticationError, LedgerBusyError, LedgerFullError, PermissionDeniedError
from flowlaunch.sandbox import (
    Delay,
    DropAfterProcessing,
    DropBeforeReading,
    Hang,
    Status,
    Status504AfterProcessing,
    TokenRevoked,
)

LAUNCH = "executions.launch"
HOUR_US = 3_600_000_000


async def test_every_row_is_launched_once_and_followed_to_its_end(open_world):
    """Without any fault each row runs exactly once, and its end, outputs and times are in the ledger."""
    world = open_world().load(12)

    outcome = await world.run()

    assert (outcome.ended, outcome.counts) == ("finished", {"completed": 12})
    assert world.launches() == {f"order-{number}": 1 for number in range(1, 13)}
    row = world.rows()[0]
    assert row.state is RowState.COMPLETED
    assert b"Flow.message" in row.outputs
    assert row.result_ended_us >= row.result_started_us
    assert world.kinds()[0] == "started"
    assert world.kinds()[-1] == "finished"


@pytest.mark.parametrize("fault", [DropAfterProcessing(), Status504AfterProcessing(), Status(503), Status(500)])
async def test_an_unclear_answer_puts_its_row_in_doubt_and_nothing_is_sent_again(open_world, fault):
    """After a lost answer or a 5xx the row is in doubt, done or not, and the request is sent once only."""
    world = open_world().load(6)
    world.sandbox.faults.script(LAUNCH, 2, fault)

    outcome = await world.run(concurrency=1)

    assert outcome.counts == {"completed": 5, "in_doubt": 1}
    assert outcome.has_doubt
    assert max(world.launches().values()) == 1
    assert len(world.sandbox.journal(LAUNCH)) == 6
    assert "in-doubt" in world.kinds()


async def test_running_again_leaves_rows_in_doubt_alone(open_world):
    """A second run of the same batch sends nothing for a row in doubt."""
    world = open_world().load(3)
    world.sandbox.faults.script(LAUNCH, 1, DropAfterProcessing())
    await world.run(concurrency=1)

    outcome = await world.run()

    assert outcome.launched == 0
    assert outcome.counts == {"completed": 2, "in_doubt": 1}
    assert len(world.sandbox.journal(LAUNCH)) == 3


async def test_a_storm_of_5xx_puts_few_rows_in_doubt_and_pauses_the_batch(open_world):
    """When the service answers nothing but 503, one row at a time tries, and the bound on doubt pauses the batch."""
    world = open_world().load(60)
    world.sandbox.faults.script(LAUNCH, None, Status(503))

    outcome = await world.run(max_in_doubt=5)

    assert outcome.ended == "paused"
    assert "in doubt" in outcome.reason
    assert outcome.counts["in_doubt"] <= 5 + 4
    assert outcome.counts["pending"] == 60 - outcome.counts["in_doubt"]
    assert "outage" in world.kinds()
    assert world.ledger.controls(world.batch_id).paused


@pytest.mark.by_the_clock
async def test_a_storm_of_429_holds_everybody_and_loses_nothing(open_world):
    """Rows refused with 429 are sent again after the silence that the service wants, and each runs once."""
    world = open_world().load(8)
    world.sandbox.faults.script(LAUNCH, range(1, 4), Status(429, retry_after_s=40))

    began_s = world.clock.now().unix_s
    outcome = await world.run(timeout_s=30.0, pace_per_minute=6_000.0)

    assert outcome.counts == {"completed": 8}
    assert max(world.launches().values()) == 1
    assert "pushed-back" in world.kinds()
    assert world.clock.now().unix_s - began_s >= 40


@pytest.mark.by_the_clock
async def test_rows_that_never_left_wait_out_an_outage_without_spinning(open_world):
    """While connections break before anything is read, a single row tries, more and more seldom."""
    world = open_world().load(5)
    port = world.url.rsplit(":", 1)[1]
    out = asyncio.Event()

    def on_event(event):
        if event.kind == "outage":
            out.set()

    world.sandbox.close()
    task = asyncio.create_task(world.run(on_event))
    await out.wait()
    began_s = world.clock.now().mono_s
    await world.clock.sleep(20.0)
    late_s = world.clock.now().mono_s - began_s - 20.0  # of a machine that stalls, on a clock on which time flies
    attempts = sum(row.attempts for row in world.rows())
    world.sandbox.options = type(world.sandbox.options)(rate_per_minute=None, port=int(port))
    world.sandbox.__enter__()
    outcome = await task

    assert world.kinds().count("outage") == 1
    assert attempts <= 4 + 8 + late_s / 4
    assert outcome.counts == {"completed": 5}
    assert "recovered" in world.kinds()


async def test_a_dropped_connection_is_in_doubt_not_repeated(open_world):
    """A connection closed after the request was written proves nothing, so the row is in doubt."""
    world = open_world().load(3)
    world.sandbox.faults.script(LAUNCH, 1, DropBeforeReading())

    outcome = await world.run(concurrency=1)

    assert outcome.counts == {"completed": 2, "in_doubt": 1}


async def test_a_token_revoked_mid_run_is_renewed_and_costs_no_row(open_world):
    """When the token dies between two rows, the refused row is sent again with a new one."""
    world = open_world().load(6)
    world.sandbox.faults.script(LAUNCH, 3, TokenRevoked())

    outcome = await world.run(concurrency=2)

    assert outcome.counts == {"completed": 6}
    assert max(world.launches().values()) == 1
    assert "outage" not in world.kinds()


async def test_refused_credentials_stop_the_batch_with_nothing_in_doubt(open_world):
    """When the client's secret is wrong, the batch stops with that error and every row is still to launch."""
    world = open_world().load(4)
    world.sandbox.faults.script(LAUNCH, None, Status(401))

    outcome = await world.run()

    assert outcome.ended == "stopped"
    assert isinstance(outcome.error, AuthenticationError)
    assert outcome.counts == {"pending": 4}


async def test_a_missing_permission_stops_the_batch_and_names_it(open_world):
    """A 403 refuses no row for good: the batch stops and says which permission is missing."""
    world = open_world().load(4)
    world.sandbox.faults.script(LAUNCH, None, Status(403))

    outcome = await world.run()

    assert isinstance(outcome.error, PermissionDeniedError)
    assert "architect:flow:launch" in outcome.error.hint
    assert outcome.counts == {"pending": 4}


async def test_refused_rows_are_final_and_count_against_the_error_budget(open_world):
    """A 400 refuses its row; too many of them pause the batch."""
    world = open_world().load(40)
    world.sandbox.faults.script(LAUNCH, range(1, 31), Status(400))

    outcome = await world.run(concurrency=2, max_failed=5)

    assert outcome.ended == "paused"
    assert "refused" in outcome.reason
    assert 6 <= outcome.counts["refused"] <= 40
    assert {row.http_status for row in world.rows() if row.state is RowState.REFUSED} == {400}


async def test_a_silent_service_costs_its_timeout_and_nothing_else(open_world):
    """A launch that hangs is in doubt after its time, and the other rows go on meanwhile."""
    world = open_world().load(6)
    world.sandbox.faults.script(LAUNCH, 1, Hang(processed=True))

    outcome = await world.run(timeout_s=6.0)

    assert outcome.counts == {"completed": 5, "in_doubt": 1}
    assert world.launches() == {f"order-{number}": 1 for number in range(1, 7)}


@pytest.mark.by_the_clock
async def test_a_sandbox_restarted_with_its_state_goes_on_where_it_was(open_world, tmp_path):
    """The service going away and coming back between two rows costs at most what was in flight."""
    world = open_world(db=tmp_path / "sandbox.db").load(60)
    port = int(world.url.rsplit(":", 1)[1])
    task = asyncio.create_task(world.run(pace_per_minute=200.0, max_in_doubt=None))
    await world.until_launched(1)
    before = len(world.sandbox.launches())
    world.sandbox.close()
    world.sandbox.options = type(world.sandbox.options)(rate_per_minute=None, port=port, db=tmp_path / "sandbox.db")
    await world.clock.sleep(2.0)
    world.sandbox.__enter__()

    outcome = await task

    assert 0 < before < 60
    assert outcome.counts.get("in_doubt", 0) <= 4
    assert outcome.counts["completed"] >= 60 - 4
    assert max(world.launches().values()) == 1


async def test_a_full_disk_stops_the_batch_and_a_later_run_finishes_it(open_world, monkeypatch):
    """When the ledger cannot be written, nothing more is sent; with space again every row is launched once."""
    world = open_world().load(10)
    commit, seen = world.ledger.commit, []

    def full(worker, intents=(), results=()):
        seen.append(1)
        if 3 <= len(seen) < 6:
            raise LedgerFullError("the disk is full")
        return commit(worker, intents, results)

    monkeypatch.setattr(world.ledger, "commit", full, raising=False)
    stopped = await world.run(concurrency=2)
    sent = len(world.sandbox.launches())
    outcome = await world.run(concurrency=2)

    assert stopped.ended == "stopped"
    assert isinstance(stopped.error, LedgerFullError)
    assert "storage" in world.kinds()
    assert sent < 10
    assert outcome.counts == {"completed": 10}
    assert max(world.launches().values()) == 1


@pytest.mark.parametrize("what", ["take_chunk", "reserve_slots", "controls", "record_results"])
@pytest.mark.parametrize("error", [LedgerFullError("the disk is full"), LedgerBusyError("locked")])
async def test_a_ledger_that_fails_anywhere_stops_the_batch_in_order_or_is_waited_for(
    open_world, monkeypatch, what, error
):
    """A full disk ends the run with that error and nothing in doubt; a locked ledger is tried again."""
    world = open_world().load(12)
    original, seen = getattr(world.ledger, what), []

    def failing(*given, **named):
        seen.append(1)
        if len(seen) == 2:
            raise error
        return original(*given, **named)

    monkeypatch.setattr(world.ledger, what, failing, raising=False)
    first = await world.run(pace_per_minute=6_000.0)
    outcome = await world.run(pace_per_minute=6_000.0)

    assert first.ended == ("finished" if isinstance(error, LedgerBusyError) or len(seen) < 2 else "stopped")
    assert "in_doubt" not in first.counts
    assert outcome.counts == {"completed": 12}
    assert max(world.launches().values()) == 1


async def test_a_second_runner_is_turned_away(open_world):
    """Two runners never work on one batch: the second is told who holds it, and changes nothing."""
    world = open_world().load(200)
    first = asyncio.create_task(world.run(pace_per_minute=100.0))
    await world.until_launched(1)

    with pytest.raises(LedgerBusyError):
        await world.run()
    assert not first.done()
    world.stop.request()
    outcome = await first

    assert (outcome.ended, outcome.error) == ("stopped", None)
    assert "in_doubt" not in outcome.counts
    assert max(world.launches().values()) == 1


@pytest.mark.parametrize("jump_s", [3_600.0, -3_600.0])
@pytest.mark.by_the_clock
async def test_a_jump_of_the_wall_clock_neither_hangs_nor_hurries_the_batch(open_world, jump_s):
    """When the wall clock is set an hour on or back, the batch says so and goes on at its pace."""
    clock = FastClock()
    world = open_world(fast_clock=clock).load(40)

    def on_event(event):
        if event.kind == "progress" and not clock.jumped_s:
            clock.jump(jump_s)

    async with asyncio.timeout(20):
        outcome = await world.run(on_event, pace_per_minute=300.0)

    assert outcome.counts == {"completed": 40}
    told = [event.message for event in world.events if event.kind == "clock-jump"]
    assert any(text.startswith("the wall clock moved") for text in told)
    assert max(world.launches().values()) == 1


async def test_a_process_that_stood_still_is_told_as_that(open_world):
    """A process that was stopped for a while says so; its clock is not said to have moved."""
    clock = StoppedClock()
    world = open_world(fast_clock=clock).load(40)

    def on_event(event):
        if event.kind == "progress":
            clock.stand_still(120.0)

    await world.run(on_event, pace_per_minute=600.0, track=False)

    told = [event.message for event in world.events if event.kind == "clock-jump"]
    assert told[0].startswith("this machine or process stood still for 12")


class StoppedClock(FastClock):
    """A clock of a process that was stopped once: both its times went on meanwhile."""

    stood_s = 0.0

    def stand_still(self, seconds):
        self.stood_s = self.stood_s or seconds

    def now(self):
        now = super().now()
        return Moment(now.mono_s + self.stood_s, now.unix_s + self.stood_s)


async def test_a_row_whose_time_passed_before_it_was_sent_is_skipped(open_world, monkeypatch):
    """A row is judged by its not-after at the instant at which it would leave, not when it was planned."""
    world = open_world()
    soon_us = round(world.clock.now().unix_s * 1e6) + HOUR_US
    world.load([row_plan(number, not_after_us=soon_us) for number in range(1, 21)])
    jump_meanwhile(world, monkeypatch, "commit", 7_200.0)

    outcome = await world.run(pace_per_minute=300.0, concurrency=1)

    assert outcome.counts["skipped"] > 0
    assert outcome.counts["completed"] > 0
    assert {row.reason for row in world.rows() if row.state is RowState.SKIPPED} == {"too-late"}
    assert len(world.sandbox.launches()) == outcome.counts["completed"]


async def test_a_row_whose_time_passes_while_the_ledger_answers_is_skipped(open_world, monkeypatch):
    """However long a database takes to hand rows out, a row whose time is over by then does not leave."""
    world = open_world()
    soon_us = round(world.clock.now().unix_s * 1e6) + HOUR_US
    world.load([row_plan(number, not_after_us=soon_us) for number in range(1, 6)])
    jump_meanwhile(world, monkeypatch, "take_chunk", 7_200.0, launched=0)

    outcome = await world.run()

    assert outcome.counts == {"skipped": 5}
    assert world.sandbox.launches() == []


@pytest.mark.by_the_clock
async def test_rows_are_sent_at_their_not_before_and_no_earlier(open_world):
    """A row with a later not-before waits for it while the batch goes on."""
    world = open_world()
    then_us = round(world.clock.now().unix_s * 1e6) + 20_000_000
    world.load([row_plan(1), row_plan(2, not_before_us=then_us)])

    outcome = await world.run()

    late = world.rows()[1]
    assert outcome.counts == {"completed": 2}
    assert late.intent_us >= then_us - 60_000


async def test_slow_answers_are_waited_for_and_not_repeated(open_world):
    """An answer that takes its time is awaited: the row runs once and is not in doubt."""
    world = open_world().load(4)
    world.sandbox.faults.script(LAUNCH, None, Delay(0.2))

    outcome = await world.run()

    assert outcome.counts == {"completed": 4}
    assert len(world.sandbox.journal(LAUNCH)) == 4


@pytest.mark.parametrize("what", ["commit", "reserve_slots"])
async def test_a_clock_set_back_before_a_slot_is_reached_holds_no_row(open_world, monkeypatch, what):
    """When the clock is set back by an hour between a slot's grant and its use, the row does not wait for that hour."""
    world = open_world().load(12)

    jump_meanwhile(world, monkeypatch, what, -3_600.0, launched=3)
    outcome = await world.run(pace_per_minute=600.0)

    assert world.clock.jumped_s == -3_600.0
    assert outcome.counts == {"completed": 12}
    assert set(world.launches().values()) == {1}
