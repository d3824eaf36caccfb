"""The overview's launches by minute, after a restart."""

from types import SimpleNamespace

from ops_world import accept, finish, route_batch

from flowlaunch.gateway.page.pulse import MINUTE_US, MINUTES, Pulse
from flowlaunch.gateway.store.gauges import launched_since


def test_the_chart_begins_with_what_the_ledger_holds(any_ledger, clock):
    """A gateway that begins shows the launches of the half hour before it, by minute, and reads a bounded number."""
    batch_id = route_batch(any_ledger)
    for count in (4, 3, 2):
        accept(any_ledger, batch_id, count)
        finish(any_ledger, batch_id, clock)
        clock.advance(20 * 60)
    since_us = clock.now_us - MINUTES * MINUTE_US
    found = launched_since(any_ledger.store, since_us)
    pulse = Pulse(SimpleNamespace())
    pulse.begin_with(found)

    assert [state for _at_us, state in found] == ["completed"] * 2
    assert [bar.label for bar in pulse.bars(clock.now_us) if "nothing" not in bar.label] == ["20 min ago: 2 launched"]
    assert len(launched_since(any_ledger.store, 0, limit=3)) == 3
