"""Many threads and tasks on one client: one sign-in, nothing lost, nothing mixed up."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from witness_clients import ORDER, ORDER_FLOW, SECRET, UNKNOWN_FLOW

import flowlaunch
from flowlaunch import AsyncClient, Client, NotFoundError
from flowlaunch.sandbox import Delay, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowlaunch.models import Launch

THREADS = 50
EACH = 20
MANY = THREADS * EACH
LAUNCH = "executions.launch"
DAY_S = 86_400


def options(**more: Any) -> dict[str, Any]:
    return {"client_id": "demo", "client_secret": SECRET, "pace_per_minute": None, **more}


@pytest.fixture
def sandbox(open_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return open_sandbox()


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client(sandbox.url, **options()) as made:
        yield made


def launch_one(client: Client, thread: int, number: int) -> Launch:
    key = f"{thread:02}-{number:03}"
    return client.launch(ORDER_FLOW, {**ORDER, "Flow.orderId": key}, key=key, name=key)


def on_threads(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """Run `work` on that many threads that all begin at once."""
    gate = threading.Barrier(count)

    def begin(thread: int) -> Any:
        gate.wait(60)
        return work(thread)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def assert_each_has_its_own(sandbox: Sandbox, launched: list[Launch], count: int) -> None:
    """Each key was launched once, and its caller holds the id of just that execution."""
    kept = sandbox.launches()
    assert len(launched) == len(kept) == count
    assert {launch.key: launch.id for launch in launched} == {launch.name: launch.execution_id for launch in kept}
    assert len({launch.id for launch in launched}) == count
    assert all(launch.inputs["Flow.orderId"] == launch.name for launch in kept)
    assert len(sandbox.journal(LAUNCH)) == count


def test_fifty_threads_sign_in_once(sandbox: Sandbox, client: Client) -> None:
    """Fifty threads that begin at once on a new client sign in once and read the flow once."""
    sandbox.faults.next("token", Delay(0.05))
    assert set(on_threads(lambda _: client.whoami().client_id)) == {"demo"}
    assert len(sandbox.journal("token")) == 1
    on_threads(lambda _: client.find_flow(ORDER_FLOW))
    assert len(sandbox.journal("flows.get")) == 1


def test_fifty_threads_share_a_refused_sign_in(sandbox: Sandbox) -> None:
    """With a wrong secret fifty threads fail alike after one sign-in, not fifty."""
    sandbox.faults.next("token", Delay(0.3))

    def attempt(_: int) -> str:
        try:
            client.whoami()
        except flowlaunch.AuthenticationError as error:
            return error.server_code
        return "signed in"

    with Client(sandbox.url, **options(client_secret="wrong")) as client:
        assert set(on_threads(attempt)) == {"invalid_client"}
    assert len(sandbox.journal("token")) <= 2  # a thread that comes after the refusal may ask anew


def test_thousand_launches_from_threads(sandbox: Sandbox, client: Client) -> None:
    """Of a thousand launches none is lost or doubled, and each thread's launches keep their order."""
    results = on_threads(lambda thread: [launch_one(client, thread, number) for number in range(EACH)])
    assert_each_has_its_own(sandbox, [launch for mine in results for launch in mine], MANY)
    by_thread: dict[str, list[str]] = defaultdict(list)
    for launch in sandbox.launches():
        by_thread[launch.name[:2]].append(launch.name)
    assert len(by_thread) == THREADS
    assert all(names == sorted(names) for names in by_thread.values())
    assert len(sandbox.journal("token")) == 1


def test_thousand_launches_in_flight(sandbox: Sandbox) -> None:
    """A thousand tasks launch at once on one async client: one sign-in, each key its own execution."""

    async def main() -> list[Launch]:
        async with AsyncClient(sandbox.url, **options()) as client:
            keys = [f"task-{number:04}" for number in range(MANY)]
            calls = (client.launch(ORDER_FLOW, {**ORDER, "Flow.orderId": key}, key=key, name=key) for key in keys)
            launched = await asyncio.gather(*calls)
            assert [launch.key for launch in launched] == keys
            return launched

    assert_each_has_its_own(sandbox, asyncio.run(main()), MANY)
    assert len(sandbox.journal("token")) == 1
    assert len(sandbox.journal("flows.get")) == 1


def test_waiters_share_the_readings(sandbox: Sandbox) -> None:
    """A hundred tasks that wait for one execution read it as often as one would."""

    async def main() -> set[str]:
        async with AsyncClient(sandbox.url, **options()) as client:
            launched = await client.launch(ORDER_FLOW, ORDER)
            ended = await asyncio.gather(*(client.wait(launched) for _ in range(100)))
            return {execution.status for execution in ended}

    assert asyncio.run(main()) == {"COMPLETED"}
    assert len(sandbox.journal("executions.get")) == 1


def test_revoked_token_is_renewed_once_for_threads(sandbox: Sandbox, client: Client) -> None:
    """When the token is revoked amid launches, the threads renew it once and no launch is lost or doubled."""
    half = threading.Barrier(THREADS, action=sandbox.revoke_tokens)

    def work(thread: int) -> list[Launch]:
        first = [launch_one(client, thread, number) for number in range(2)]
        half.wait(60)
        return first + [launch_one(client, thread, number) for number in range(2, 4)]

    launched = [launch for mine in on_threads(work) for launch in mine]
    assert len(sandbox.launches()) == len({launch.id for launch in launched}) == THREADS * 4
    assert len(sandbox.journal("token")) == 2
    refused = sandbox.journal(LAUNCH, status=401)
    assert 1 <= len(refused) <= THREADS
    assert len(sandbox.journal(LAUNCH)) == THREADS * 4 + len(refused)


def test_revoked_token_is_renewed_once_for_tasks(sandbox: Sandbox) -> None:
    """The same with tasks: all in flight meet the 401, one signs in anew."""

    async def main() -> list[Launch]:
        async with AsyncClient(sandbox.url, **options()) as client:
            await client.find_flow(ORDER_FLOW)
            sandbox.revoke_tokens()
            return await asyncio.gather(*(client.launch(ORDER_FLOW, ORDER) for _ in range(100)))

    launched = asyncio.run(main())
    assert len({launch.id for launch in launched}) == len(sandbox.launches()) == 100
    assert len(sandbox.journal("token")) == 2


def test_expired_token_is_renewed(open_sandbox) -> None:
    """A token that has expired by the service's clock is renewed once, and the launch happens once."""
    sandbox = open_sandbox(clock="frozen")
    with Client(sandbox.url, **options()) as client:
        client.launch(ORDER_FLOW, ORDER)
        sandbox.advance(DAY_S + 1)
        client.launch(ORDER_FLOW, ORDER)
    assert [entry.status for entry in sandbox.journal(LAUNCH)] == [200, 401, 200]
    assert (len(sandbox.journal("token")), len(sandbox.launches())) == (2, 2)


def test_token_is_renewed_before_it_expires(open_sandbox, connect) -> None:
    """A short-lived token is renewed a tenth of its life before its end, so no request meets a 401."""
    sandbox = open_sandbox(token_life_s=300)
    client = connect("sync", sandbox.url)
    client.call("whoami")
    client.clock.sleep(269)
    client.call("whoami")
    assert len(sandbox.journal("token")) == 1
    client.clock.sleep(2)
    client.call("whoami")
    assert len(sandbox.journal("token")) == 2
    assert sandbox.journal(status=401) == []


def test_two_orgs_in_one_process(open_sandbox) -> None:
    """Clients of two orgs in one process never mix tokens, flows or executions."""
    here = open_sandbox(seed=1)
    there = open_sandbox(seed=2, world={"organization": {"name": "Elsewhere Ltd"}})

    def work(thread: int) -> tuple[str, str, str]:
        client = clients[thread % 2]
        launched = launch_one(client, thread, 0)
        assert client.wait(launched).status == "COMPLETED"
        with pytest.raises(NotFoundError):
            client.status(UNKNOWN_FLOW)
        return client.whoami().organization_name, launched.id, launched.key or ""

    with Client(here.url, **options()) as first, Client(there.url, **options()) as second:
        clients = (first, second)
        results = on_threads(work, 10)
    for name, sandbox, parity in (("Sandbox Ltd", here, 0), ("Elsewhere Ltd", there, 1)):
        mine = [result for number, result in enumerate(results) if number % 2 == parity]
        assert {organization for organization, _, _ in mine} == {name}
        assert {(launch.execution_id, launch.name) for launch in sandbox.launches()} == {(i, key) for _, i, key in mine}
        assert len(sandbox.journal("token")) == 1


def test_sync_and_async_clients_agree(sandbox: Sandbox, client: Client) -> None:
    """A launch by one client can be waited for by the other."""

    async def wait(execution_id: str) -> str:
        async with AsyncClient(sandbox.url, **options()) as other:
            return (await other.wait(execution_id)).output_data["Flow.message"]

    launched = client.launch(ORDER_FLOW, ORDER)
    assert asyncio.run(wait(launched.id)) == client.wait(launched).output_data["Flow.message"]
