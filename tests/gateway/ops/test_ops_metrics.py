"""Metrics: the format, the bounds, who may read them, and what they say of a gateway at work."""

import pytest
from ops_world import accept, finish, route_batch
from prometheus_client.parser import text_string_to_metric_families

from flowlaunch.gateway.ops import readings
from flowlaunch.gateway.ops.commits import CommitTimer
from flowlaunch.gateway.ops.options import OpsOptions
from flowlaunch.gateway.ops.registry import Counter, Gauge, Histogram, Registry
from flowlaunch.gateway.store import deliveries
from flowlaunch.gateway.store.gauges import glance, probe


def samples(text):
    """Read metrics as Prometheus does: {(name, labels): value}."""
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_prometheus_reads_back_what_was_written():
    """Counters, gauges and histograms come back with their values, whatever stands in a label."""
    odd = 'a "quoted" \\ back\nslash'
    counter, histogram = Counter("c_total", "Counts.\nIn two lines.", ("route",)), Histogram("h_seconds", "Times.")
    counter.add(odd)
    counter.add(odd, by=2)
    for value in (0.001, 0.3, 99.0):
        histogram.observe(value)

    found = samples(Registry([counter, histogram, Gauge("g", "Now.", lambda: {(): 1.5})]).text())

    assert found["c_total", (("route", odd),)] == 3
    assert found["g", ()] == 1.5
    assert found["h_seconds_count", ()] == 3
    assert found["h_seconds_sum", ()] == pytest.approx(99.301)
    assert found["h_seconds_bucket", (("le", "0.001"),)] == 1
    assert found["h_seconds_bucket", (("le", "0.5"),)] == 2
    assert found["h_seconds_bucket", (("le", "+Inf"),)] == 3


@pytest.mark.parametrize("kind", ["counter", "gauge", "histogram"])
def test_series_beyond_the_bound_are_counted_together(kind):
    """However many routes there are, a metric has a bounded number of series, and nothing goes uncounted."""
    names = [f"route-{number:04d}" for number in range(50)]
    if kind == "gauge":
        metric = Gauge("m", "", lambda: {(name,): 1.0 for name in names}, ("route",), most_series=10)
    else:
        metric = {"counter": Counter, "histogram": Histogram}[kind]("m", "", ("route",), most_series=10)
        for name in names:
            metric.add(name) if kind == "counter" else metric.observe(1.0, name)

    found = samples(Registry([metric]).text())
    values = {
        dict(labels)["route"]: value for (name, labels), value in found.items() if name in {"m", "m_total", "m_count"}
    }

    assert len(values) <= 11
    assert values["other"] == 40
    assert sum(values.values()) == 50


def test_a_commit_is_timed_by_what_it_is_for():
    """The time between both sides of a commit is one observation; a commit that failed is none."""
    times = iter((10.0, 10.2, 20.0))
    seconds = Histogram("s", "", ("transaction",))
    timer = CommitTimer(seconds, now_s=lambda: next(times))

    for place in ("before:accept launches", "after:accept launches", "before:settle", "after:other"):
        if place == "after:other":
            timer._begun.at_s = None  # as in a thread that began none
        timer(place)

    found = samples(Registry([seconds]).text())
    assert found["s_sum", (("transaction", "accept launches"),)] == pytest.approx(0.2)
    assert not any("settle" in str(labels) for _name, labels in found)


def test_metrics_tell_of_a_launch(door, monkeypatch):
    """After a launch its route, request, platform call and commit are in the metrics, by names without an id."""
    monkeypatch.setattr(readings, "FRESH_S", 0.0)
    before = samples(door.call("GET", "/metrics").raw.decode())
    reply = door.launch(wait_s=50)
    assert reply.status == 200

    reply = door.call("GET", "/metrics")
    found = samples(reply.raw.decode())
    route = ("route", f"flow:{door.state.ledger.batch(1).spec.flow_id}")

    def grown(name, *labels):
        place = (name, tuple(sorted(labels)))
        return found[place] - before.get(place, 0)

    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert grown("flowlaunch_requests_total", ("operation", "createLaunch"), ("status", "200")) == 1
    assert grown("flowlaunch_request_duration_seconds_count", ("operation", "createLaunch")) == 1
    assert grown("flowlaunch_launches_accepted_total", route) == 1
    assert grown("flowlaunch_launch_outcomes_total", route, ("outcome", "launched")) == 1
    assert grown("flowlaunch_launch_outcomes_total", route, ("outcome", "completed")) == 1
    assert grown("flowlaunch_launches", route, ("state", "completed")) == 1
    assert grown("flowlaunch_platform_requests_total", ("operation", "launch flow"), ("status", "200")) == 1
    assert grown("flowlaunch_ledger_commit_duration_seconds_count", ("transaction", "accept launches")) == 1
    lag = ("flowlaunch_event_loop_lag_seconds_count", ())
    while not samples(door.call("GET", "/metrics").raw.decode())[lag]:  # a quarter of a second after the start
        pass
    assert found["process_resident_memory_bytes", ()] > 1e6
    assert reply.raw.count(b"ln_") == 0


def test_a_glance_counts_without_reading_rows(any_ledger, clock):
    """Launches by state, callbacks by state and used slots come from one look at the ledger, of either kind."""
    batch_id = route_batch(any_ledger)
    accept(any_ledger, batch_id, 3, callback="https://app.example/done")
    finish(any_ledger, batch_id, clock)
    deliveries.begin(any_ledger.store, lambda url: url)
    accept(any_ledger, batch_id, 2)
    granted = any_ledger.reserve_slots("client", 2, budget_per_minute=300)
    clock.advance(2)
    for _ in range(2):
        probe(any_ledger.store)

    found = glance(any_ledger.store, "client")

    assert found.rows == {(batch_id, "completed"): 3, (batch_id, "pending"): 2} | {
        place: 0 for place in found.rows if place[1] not in {"completed", "pending"}
    }
    assert found.callbacks == {"waiting": 3, "dead": 0}
    assert found.slots_used == len(granted.at_us) > 0


def test_unknown_addresses_are_one_series(door):
    """Whoever asks for a thousand addresses that are none adds no series to the metrics."""
    for number in range(5):
        door.call("GET", f"/nothing/{number}")

    text = door.call("GET", "/metrics").raw.decode()

    assert "nothing" not in text


@pytest.mark.parametrize(
    ("guard", "headers", "status"),
    [
        ("loopback", {}, 200),
        ("loopback", {"x-forwarded-for": "203.0.113.7"}, 401),
        ("key", {}, 401),
        ("open", {"x-forwarded-for": "203.0.113.7"}, 200),
        ("off", {}, 404),
    ],
)
def test_metrics_are_guarded_as_configured(open_door, guard, headers, status):
    """Metrics are for this machine or for a key that may read; what a proxy passes on is not this machine."""
    world = open_door(ops=OpsOptions(metrics=guard))

    def ask(authorization):
        return world.call("GET", "/metrics", authorization=authorization, **headers).status

    assert ask("") == status
    if status == 401:
        assert ask(f"Bearer {world.key('reader', 'read')}") == 200
        assert ask(f"Bearer {world.key('app', 'launch')}") == 403
