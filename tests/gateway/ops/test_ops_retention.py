"""Retention: what is old goes, whole and in small steps; what is not over stays."""

import threading

import pytest
from ledger_world import kept, launch_all, plan, spec, truth
from ops_world import DAY_S, accept, deliver, finish, left, route_batch
from sqlalchemy import text

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.states import Event
from flowlaunch.gateway.ops.options import Retention
from flowlaunch.gateway.ops.pruning import Pruning
from flowlaunch.gateway.store import audit, deliveries, launches, messages, retention

KEEP = Retention(launches=30, batches=30, messages=30, audit=30)


@pytest.fixture
def ledger(any_ledger):
    return any_ledger


def pruned(ledger, keep=KEEP, **how):
    """Make one pass without resting; return what it removed."""
    return Pruning(ledger, keep, **({"uploads": None, "sleep": lambda _s: None} | how)).run()


def test_an_old_launch_goes_with_everything_about_it(ledger, clock):
    """Row, attempts, result, callback, key: nothing of an old launch is left, and the counts stay true."""
    batch_id = route_batch(ledger)
    old = accept(ledger, batch_id, key="k-old", callback="https://app.example/done")
    finish(ledger, batch_id, clock)
    deliver(ledger)
    clock.advance(31 * DAY_S)
    new = accept(ledger, batch_id, key="k-new", callback="https://app.example/done")
    finish(ledger, batch_id, clock)
    deliver(ledger)

    removed = pruned(ledger)

    assert removed["launches"] == 1
    assert launches.find(ledger.store, old[0]) is None
    assert launches.find(ledger.store, new[0]) is not None
    found = left(ledger)
    assert {name: found[name] for name in ("gateway_launches", "rows", "attempts", "results")} == {
        "gateway_launches": 1, "rows": 1, "attempts": 1, "results": 1,
    }  # fmt: skip
    assert {found[name] for name in ("gateway_wishes", "gateway_deliveries", "gateway_delivery_attempts")} == {1}
    assert kept(ledger, batch_id) == truth(ledger, batch_id) == {("completed", ""): 1}


def test_an_idempotency_key_is_known_as_long_as_its_launch(ledger, clock):
    """The key of a launch that is kept gives the same launch; after its launch went, it makes a new one."""
    batch_id = route_batch(ledger)
    (first,) = accept(ledger, batch_id, key="k")
    finish(ledger, batch_id, clock)
    clock.advance(29 * DAY_S)
    pruned(ledger)
    assert accept(ledger, batch_id, key="k") == [first]

    clock.advance(2 * DAY_S)
    pruned(ledger)
    assert accept(ledger, batch_id, key="k") != [first]


@pytest.mark.parametrize("state", ["pending", "held", "launched", "in_doubt", "just-ended", "callback-open"])
def test_what_is_not_over_stays(ledger, clock, state):
    """However old, a launch stays while it waits, runs, is in doubt or held, ended lately, or is to be told."""
    batch_id = route_batch(ledger)
    callback = "https://app.example/done" if state == "callback-open" else None
    (launch_id,) = accept(ledger, batch_id, callback=callback, kind="hold" if state == "held" else "launch")
    if state == "launched":
        launch_all(ledger, batch_id, clock)
    elif state == "in_doubt":
        worker = ledger.start_work(batch_id)
        chunk = ledger.take_chunk(worker, 1)
        ledger.commit(worker, intents=chunk.rows)
        ledger.commit(worker, results=[chunk.rows[0].outcome(Event.LOST)])
    elif state == "callback-open":
        finish(ledger, batch_id, clock)
    clock.advance(100 * DAY_S)
    if state == "just-ended":
        finish(ledger, batch_id, clock)

    assert pruned(ledger)["launches"] == 0
    assert launches.find(ledger.store, launch_id) is not None


def test_a_callback_that_nobody_could_send_goes_with_its_launch_in_the_end(ledger, clock):
    """A callback that is tried keeps its launch; one that has been due for as long as launches are kept does not."""
    batch_id = route_batch(ledger)
    tried, stuck = accept(ledger, batch_id, 2, callback="https://app.example/done")
    finish(ledger, batch_id, clock)
    deliveries.begin(ledger.store, lambda url: url)
    clock.advance(29 * DAY_S)
    seqs = [one.seq for one in deliveries.due(ledger.store, limit=10)]
    first = next(one for one in deliveries.lease(ledger.store, seqs, "me", lasts_us=1) if one.launch_id == tried)
    attempt = deliveries.Attempt(number=1, at_us=clock.now_us, took_us=1, http_status=503, problem="away")
    later = deliveries.Settled(seq=first.seq, state="waiting", attempt=attempt, due_us=clock.now_us + 3_600_000_000)
    assert deliveries.settle(ledger.store, "me", later)
    assert pruned(ledger)["launches"] == 0
    clock.advance(2 * DAY_S)

    assert pruned(ledger)["launches"] == 1
    assert launches.find(ledger.store, tried) is not None
    assert launches.find(ledger.store, stuck) is None
    assert left(ledger)["gateway_deliveries"] == 1


def test_old_and_young_are_told_apart_over_many_steps(ledger, clock):
    """With more launches than a step takes, each is judged by itself, and those that stay do not stop the pass."""
    batch_id = route_batch(ledger)
    for _ in range(3):
        accept(ledger, batch_id, retention.STEP // 2 + 7)
        finish(ledger, batch_id, clock)
        accept(ledger, batch_id, retention.STEP // 2, kind="hold")
    clock.advance(40 * DAY_S)

    dry = Pruning(ledger, KEEP, uploads=None).count()
    removed = pruned(ledger)

    assert removed["launches"] == dry["launches"] == 3 * (retention.STEP // 2 + 7)
    assert kept(ledger, batch_id) == truth(ledger, batch_id)
    assert sum(truth(ledger, batch_id).values()) == 3 * (retention.STEP // 2)


def test_a_launch_taken_up_again_meanwhile_stays(ledger, clock, monkeypatch):
    """A retry between finding and removing wins: the launch stays, with its row and its callback."""
    batch_id = route_batch(ledger)
    (launch_id,) = accept(ledger, batch_id, callback="https://app.example/done")
    finish(ledger, batch_id, clock, Event.FAILED)
    deliver(ledger)
    clock.advance(31 * DAY_S)
    find = retention.old_launches

    def then_retried(*given, **named):
        found = find(*given, **named)
        ledger.retry(batch_id, by="ann")
        return found

    monkeypatch.setattr(retention, "old_launches", then_retried)

    assert pruned(ledger)["launches"] == 0
    assert launches.find(ledger.store, launch_id) is not None
    assert left(ledger)["gateway_wishes"] == 1


def test_an_uploaded_batch_goes_as_a_whole_with_its_file(ledger, clock, tmp_path):
    """An old batch that is through goes with rows, history and file; the newest number is never given again."""
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    made = []
    for name in ("old", "open", "newest"):
        file = uploads / f"{name}.csv"
        file.write_text("x", "utf-8")
        file.with_name(f"{name}.csv.json").write_text("{}", "utf-8")
        batch_id = ledger.create_batch(spec(source=str(file)))
        ledger.add_rows(batch_id, [plan(number) for number in range(1, retention.STEP + 50)])
        ledger.finish_loading(batch_id)
        made.append(batch_id)
        if name != "open":
            finish(ledger, batch_id, clock)
    clock.advance(31 * DAY_S)

    removed = pruned(ledger, uploads=uploads)

    assert removed["batches"] == 1
    assert [batch.batch_id for batch in ledger.batches()] == made[1:]
    assert sorted(file.name for file in uploads.iterdir()) == [
        "newest.csv", "newest.csv.json", "open.csv", "open.csv.json",
    ]  # fmt: skip
    assert sum(kept(ledger, made[1]).values()) == retention.STEP + 49
    assert ledger.create_batch(spec()) > made[-1]


def partitions(ledger):
    """Return the names of the tables that hold the rows and attempts of batches."""
    named = (
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent IN ('rows'::regclass, 'attempts'::regclass)"
    )
    with ledger.store.read("list partitions") as connection:
        return set(connection.execute(text(named)).scalars())


def test_no_empty_table_is_left_of_a_batch_that_went(postgres_ledger_url, clock, tmp_path):
    """In PostgreSQL the tables of a removed batch go with it, at the latest when nobody is reading all batches."""
    with open_ledger(postgres_ledger_url, clock=clock) as ledger:
        made = []
        for name in ("old", "open", "newest"):
            made.append(ledger.create_batch(spec(source=str(tmp_path / f"{name}.csv"))))
            ledger.add_rows(made[-1], [plan(number) for number in range(1, 4)])
            ledger.finish_loading(made[-1])
            if name != "open":
                finish(ledger, made[-1], clock)
        clock.advance(31 * DAY_S)
        with ledger.store.read("read every batch meanwhile") as connection:
            connection.execute(text("SELECT count(*) FROM rows")).scalar()
            assert pruned(ledger, uploads=tmp_path)["batches"] == 1
            assert {f"rows_{made[0]}", f"attempts_{made[0]}"} <= partitions(ledger)
        removed = pruned(ledger, uploads=tmp_path)

        assert removed == {"partitions": 2}
        assert partitions(ledger) == {f"{whole}_{one}" for whole in ("rows", "attempts") for one in made[1:]}
        assert sum(kept(ledger, made[1]).values()) == 3
        assert ledger.create_batch(spec()) > made[-1]


def test_a_batch_of_a_file_elsewhere_is_not_the_gateways(ledger, clock, tmp_path):
    """A batch that the command line made in the same ledger is left alone, however old."""
    for _ in range(2):
        batch_id = ledger.create_batch(spec(source=str(tmp_path / "people.csv")))
        ledger.add_rows(batch_id, [plan(1)])
        ledger.finish_loading(batch_id)
        finish(ledger, batch_id, clock)
    clock.advance(400 * DAY_S)

    assert pruned(ledger, uploads=tmp_path / "uploads").total() == 0


def test_a_batch_half_removed_is_removed_by_the_next_pass(ledger, clock, tmp_path):
    """A pass that is stopped in the middle of a batch leaves what the next one can finish."""
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    for name in ("old", "newest"):
        batch_id = ledger.create_batch(spec(source=str(uploads / f"{name}.csv")))
        ledger.add_rows(batch_id, [plan(number) for number in range(1, 3 * retention.STEP)])
        ledger.finish_loading(batch_id)
        finish(ledger, batch_id, clock)
    clock.advance(31 * DAY_S)
    answers = iter([False, True])

    first = pruned(ledger, uploads=uploads, is_stopped=lambda: next(answers))
    second = pruned(ledger, uploads=uploads)

    assert first == {"batch rows": retention.STEP}
    assert second["batches"] == 1


def test_messages_and_audit_lines_go_when_old(ledger, clock):
    """Webhook messages and audit lines older than is kept go; younger ones stay in order."""
    for day in range(3):
        for number in range(retention.STEP):
            audit.record(ledger.store, "ann", "launch.cancel", f"{day}-{number}")
        messages.record(ledger.store, "shop", f"m{day}", body_sha256="x", launch_id=None)
        clock.advance(20 * DAY_S)

    removed = pruned(ledger)

    assert removed["audit"] == 2 * retention.STEP
    assert removed["messages"] == 2
    assert {one.target.partition("-")[0] for one in audit.read(ledger.store, limit=1_000)} == {"2"}
    assert [one.message_id for one in messages.read(ledger.store)] == ["m2"]


def test_traces_of_an_endless_batch_go_when_old(ledger, clock):
    """Events, chunks and workers of a route's batch are let go, so that a year of it takes no more than a month."""
    batch_id = route_batch(ledger)
    for _ in range(4):
        accept(ledger, batch_id)
        finish(ledger, batch_id, clock)
        clock.advance(20 * DAY_S)
    before = left(ledger)

    pruned(ledger)
    after = left(ledger)

    for table in ("events", "chunks", "workers"):
        assert after[table] < before[table], table
    assert after["chunks"] == 1


def test_for_ever_is_for_ever(ledger, clock):
    """With None nothing is removed, however old."""
    batch_id = route_batch(ledger)
    accept(ledger, batch_id)
    finish(ledger, batch_id, clock)
    audit.record(ledger.store, "ann", "key.create", "k")
    before = left(ledger)
    clock.advance(4_000 * DAY_S)

    pruned(ledger, Retention(launches=None, batches=None, messages=None, audit=None))

    assert left(ledger) == before


def test_writers_go_on_while_old_launches_are_removed(ledger, clock):
    """Between any two steps other writers get their turn: none waits for the pass to end."""
    batch_id = route_batch(ledger)
    accept(ledger, batch_id, 5 * retention.STEP)
    finish(ledger, batch_id, clock)
    clock.advance(31 * DAY_S)
    turns, steps = [], []

    def writer():
        audit.record(ledger.store, "ann", "key.create", str(len(turns)))
        turns.append(len(steps))

    def rest(_pause_s):
        steps.append(1)
        thread = threading.Thread(target=writer)
        thread.start()
        thread.join(5)

    pruned(ledger, sleep=rest)

    assert turns == sorted(turns)
    assert turns[:5] == [1, 2, 3, 4, 5]
