"""Health: alive is not ready, and what is missing is named."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from flowlaunch.errors import LedgerFullError, ReplyLostError
from flowlaunch.gateway.ops import health as health_module
from flowlaunch.gateway.ops.health import Health, watch_platform
from flowlaunch.gateway.ops.instruments import Instruments
from flowlaunch.hooks import Event


class Times:
    """A clock for instruments."""

    now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def parts(ledger):
    """What health looks at, all well, and the clock of the platform's silence."""
    times = Times()
    instruments = Instruments(now_s=times)
    instruments.hear(Event("attempt", "read token", "answered", 200, 0.1))
    state = SimpleNamespace(
        is_stopping=False,
        ledger=ledger,
        options=SimpleNamespace(works=True),
        engine=SimpleNamespace(is_running=True, troubles={}),
        routes=SimpleNamespace(trouble="", unfit={}),
    )
    return state, instruments, times


async def unwell(state, instruments):
    """Look once and return what is wrong, by name."""
    health = Health(state, instruments, org_silence_s=300.0)
    return {check.name: check.says for check in await health.look() if not check.is_well}


async def test_a_gateway_that_works_is_ready(parts):
    """With a ledger that takes writes, an engine that runs and a platform that answered, nothing is wrong."""
    state, instruments, _times = parts

    assert await unwell(state, instruments) == {}


async def test_a_ledger_that_cannot_be_written_is_not_ready(parts, monkeypatch):
    """A full disk makes the gateway not ready, told by its code and without the ledger's path."""
    state, instruments, _times = parts

    def full(_store):
        raise LedgerFullError(f"{state.ledger.store.place} is full")

    monkeypatch.setattr(health_module, "probe", full)

    assert await unwell(state, instruments) == {"ledger": "it cannot be written (ledger-full)"}


async def test_a_ledger_that_hangs_is_waited_for_once(parts, monkeypatch):
    """While one write hangs, further looks begin no second one, and each is answered in bounded time."""
    state, instruments, _times = parts
    begun, release = [], threading.Event()

    def hanging(_store):
        begun.append(1)
        release.wait(60)

    monkeypatch.setattr(health_module, "probe", hanging)
    monkeypatch.setattr(health_module, "WRITE_S", 0.01)
    monkeypatch.setattr(health_module, "FRESH_S", 0.0)
    health = Health(state, instruments, org_silence_s=300.0)

    says = [next(check for check in await health.look() if check.name == "ledger").says for _ in range(3)]
    release.set()

    assert says == ["it took no write within 0.01 s"] * 3
    assert begun == [1]


async def test_an_engine_that_stands_still_is_not_ready(parts):
    """Accepting without launching is not ready, unless that is what this process is for."""
    state, instruments, _times = parts
    state.engine.is_running = False

    assert "not sent" in (await unwell(state, instruments))["engine"]
    state.options.works = False
    assert await unwell(state, instruments) == {}


async def test_a_silent_platform_is_not_ready_and_answering_again_is(parts):
    """A platform out of reach for longer than allowed is told with the last trouble; one answer ends that."""
    state, instruments, times = parts
    times.now_s += 301
    instruments.hear(Event("attempt", "launch flow", "connection refused"))

    assert await unwell(state, instruments) == {"platform": "it has not answered for 301 s: connection refused"}
    instruments.hear(Event("attempt", "launch flow", "answered", 503, 0.1))
    assert await unwell(state, instruments) == {}


async def test_routes_in_trouble_are_told_and_the_gateway_is_ready(parts):
    """A broken routes file, routes that fit no flow and batches that stand still are told, without any name."""
    state, instruments, _times = parts
    state.routes = SimpleNamespace(trouble="read the routes in /etc/secret.toml: no", unfit={"orders": "no flow"})
    state.engine.troubles = {1: SimpleNamespace(code="sign-in"), 2: SimpleNamespace(code="sign-in")}

    checks = await Health(state, instruments, org_silence_s=300.0).look()

    assert all(check.is_well for check in checks)
    told = "the routes file as it is now is not in force; routes that do not fit their flows: 1; "
    told += "batches of launches that stand still: 2 (sign-in). GET /v1/routes says why"
    assert checks[-1].says == told


async def test_refused_credentials_are_not_ready(parts):
    """A platform that answers 401 is reached and of no use."""
    state, instruments, _times = parts
    instruments.hear(Event("attempt", "sign in", "answered", 401, 0.1))

    assert "credentials" in (await unwell(state, instruments))["platform"]


async def test_an_idle_gateway_asks_the_platform_by_itself(parts):
    """Without launches the platform is asked now and then; while launches ask it, it is not asked besides."""
    _state, instruments, times = parts
    asked, waits = [], []

    async def ask():
        asked.append(times.now_s)
        if len(asked) == 2:
            raise ReplyLostError("read token: no answer", hint="")
        instruments.hear(Event("attempt", "read token", "answered", 200, 0.1))

    async def sleep(wait_s):
        waits.append(wait_s)
        times.now_s += wait_s
        if len(waits) == 3:  # a launch is answered meanwhile
            instruments.hear(Event("attempt", "launch flow", "answered", 200, 0.1))
        if len(waits) > 4:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await watch_platform(ask, instruments, org_silence_s=300.0, sleep=sleep)

    assert asked == [200.0, 300.0, 415.0]
    assert instruments.trouble == ""


def test_health_is_answered_over_http(door, monkeypatch):
    """A served gateway is alive and ready, without a key."""
    monkeypatch.setattr(health_module, "FRESH_S", 0.0)
    alive = door.call("GET", "/healthz", authorization="")
    door.launch(wait_s=50)
    ready = door.call("GET", "/readyz", authorization="")

    assert (alive.status, alive.json) == (200, {"alive": True})
    assert ready.status == 200
    assert [check["name"] for check in ready.json["checks"]] == ["serving", "ledger", "engine", "platform", "routes"]


def test_what_is_missing_is_a_problem_that_names_it(open_door):
    """A gateway that is stopping answers 503 with problem details, while it is still alive."""
    world = open_door()
    world.state.is_stopping = True

    reply = world.call("GET", "/readyz")

    assert reply.status == 503
    assert reply.problem == "not-ready"
    assert "serving: the gateway is stopping" in reply.json["detail"]
    assert {check["name"]: check["ok"] for check in reply.json["checks"]}["serving"] is False
    assert reply.headers["retry-after"] == "5"
    assert world.call("GET", "/healthz").status == 200
