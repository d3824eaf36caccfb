"""Many threads or tasks on one client: one sign-in, one read of the flow, nothing lost, nothing sent twice."""

import asyncio
import threading

import pytest
from scripted_server import FLOW, FLOW_ID, OneClient, answer, execution, hang, later, refusal, token

from flowlaunch import AuthenticationError, DeadlineError, LaunchInDoubtError
from flowlaunch._io.shared import Shared

DATA = {"customerName": "Ada"}


def test_fifty_callers_share_one_sign_in_and_one_read(connect, scripted):
    """Fifty callers at once cost one sign-in, one read of the flow and fifty launches."""
    server = scripted(token=[later(token())], flow=[later(FLOW)])

    results = connect(server.url).gather(*[("launch", FLOW_ID, DATA)] * 50)

    assert [result.id for result in results] == ["exec-1"] * 50
    assert (server.sign_ins, server.count("GET", "/api/v2/flows"), server.launches) == (1, 1, 50)


def test_a_thousand_launches_lose_nothing(connect, scripted):
    """A thousand launches from many callers arrive once each, and each result belongs to its own key."""
    import json

    server = scripted()
    own_next = server._next

    def echo(seen):
        if seen.method == "POST" and "executions" in seen.path:
            return answer(body={"id": "exec-" + json.loads(seen.body)["inputData"]["Flow.customerName"]})
        return own_next(seen)

    server._next = echo
    client = connect(server.url)
    names = [f"c{index}" for index in range(1000)]

    if client.kind == "sync":
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(50) as pool:
            results = list(
                pool.map(lambda name: client.client.launch(FLOW_ID, {"customerName": name}, key=name), names)
            )
    else:

        async def all_of_them():
            calls = [client.client.launch(FLOW_ID, {"customerName": name}, key=name) for name in names]
            return await asyncio.gather(*calls)

        results = client._runner().run(all_of_them())

    assert [result.id for result in results] == [f"exec-{name}" for name in names]
    assert [result.key for result in results] == names
    assert server.launches == 1000
    assert server.connections <= 257


def test_one_renewal_follows_a_401_however_many_were_refused(connect, scripted):
    """When a token is revoked under twenty callers, one renewal serves them all and each launch is repeated once."""
    server = scripted(token=[token("tok-1"), later(token("tok-2"))])
    own_next = server._next

    def guarded(seen):
        is_launch = seen.path == "/api/v2/flows/executions"
        is_old = seen.headers.get("authorization") == "Bearer tok-1"
        return refusal(401, "bad.credentials") if is_old and is_launch else own_next(seen)

    server._next = guarded
    client = connect(server.url)
    client.call("find_flow", FLOW_ID)

    results = client.gather(*[("launch", FLOW_ID, DATA)] * 20)

    assert [result.id for result in results] == ["exec-1"] * 20
    assert server.sign_ins == 2
    assert server.launches <= 40


def test_a_401_for_ever_ends_after_one_renewal(connect, scripted):
    """A service that refuses every token is asked twice, not for ever."""
    server = scripted(launch=[refusal(401, "bad.credentials", "Invalid login credentials.")])

    with pytest.raises(AuthenticationError) as caught:
        connect(server.url).call("launch", FLOW_ID, DATA)

    assert (server.launches, server.sign_ins) == (2, 2)
    assert (caught.value.correlation_id, caught.value.server_code) == ("corr-9", "bad.credentials")


def test_a_given_token_that_is_refused_keeps_what_support_needs(connect, scripted):
    """A token from elsewhere is not renewed: the refusal itself is told, with its correlation id."""
    server = scripted(me=[refusal(401, "bad.credentials", "Invalid login credentials.")])

    with pytest.raises(AuthenticationError) as caught:
        connect(server.url, access_token="given-token").call("whoami")

    assert server.sign_ins == 0
    assert server.count("GET", "/api/v2/tokens/me") == 1
    assert caught.value.correlation_id == "corr-9"
    assert "cannot be renewed" in caught.value.hint


def test_a_failed_sign_in_is_shared_by_all_who_wait(connect, scripted, monkeypatch):
    """Wrong credentials under twenty callers are tried once or twice, not twenty times."""
    wrong = answer(400, {"error": "invalid_client", "error_description": "authentication failed"})
    asked = []

    def once_all_wait(sock):
        server.until(lambda: len(asked) > 20)  # the one that signs in looks twice
        return later(wrong)(sock)

    server = scripted(token=[once_all_wait])
    usable = Shared.usable
    monkeypatch.setattr(Shared, "usable", lambda *given: asked.append(1) or usable(*given))

    results = connect(server.url).gather(*[("whoami",)] * 20)

    assert all(isinstance(result, AuthenticationError) for result in results)
    assert server.sign_ins <= 2


def test_the_next_call_tries_to_sign_in_again(connect, scripted):
    """A failed sign-in is not remembered: later calls ask anew."""
    wrong = answer(400, {"error": "invalid_client"})
    server = scripted(token=[wrong, token()], me=[answer(body={"organization": {"name": "Org"}})])
    client = connect(server.url)

    with pytest.raises(AuthenticationError):
        client.call("whoami")
    assert client.call("whoami").organization_name == "Org"


def test_a_hurried_caller_does_not_fail_the_patient_ones(connect, scripted):
    """When a caller with little time gives up signing in, one who waits with more time signs in itself."""
    server = scripted(token=[hang, token()], me=[answer(body={})])
    client = connect(server.url, real_time=True)

    hurried, patient = _two(client, server)

    assert isinstance(hurried, DeadlineError)
    assert patient.organization_name == ""


def _two(client, server):
    """Call with little time, and with much once the first is signing in."""
    if client.kind == "sync":
        results = {}

        def run(name, timeout_s):
            try:
                results[name] = client.client.whoami(timeout_s=timeout_s)
            except DeadlineError as error:
                results[name] = error

        threads = [threading.Thread(target=run, args=one) for one in (("a", 0.6), ("b", 60.0))]
        threads[0].start()
        server.until(lambda: server.sign_ins)
        threads[1].start()
        for thread in threads:
            thread.join()
        return results["a"], results["b"]

    async def both():
        async def late():
            await server.until_async(lambda: server.sign_ins)
            return await client.client.whoami(timeout_s=60.0)

        return await asyncio.gather(client.client.whoami(timeout_s=0.6), late(), return_exceptions=True)

    return client._runner().run(both())


def test_cancelled_calls_give_their_connections_back(scripted, monkeypatch):
    """A task that is cancelled while it waits for its answer frees its place in the pool."""
    from flowlaunch._io import pool

    monkeypatch.setattr(pool, "POOL_SIZE", 2)
    server = scripted(me=[hang, hang, hang, hang, answer(body={})])
    client = OneClient("async", server.url, access_token="given", real_time=True)

    async def cancel_some():
        for number in range(1, 5):
            task = asyncio.ensure_future(client.client.whoami())
            await server.until_async(lambda number=number: server.count("GET", "/api/v2/tokens/me") == number)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return await client.client.whoami(timeout_s=30)

    assert client._runner().run(cancel_some()).organization_id == ""
    client.close()


def test_a_cancelled_sign_in_does_not_hold_up_the_others(scripted):
    """When the task that signs in is cancelled, the next one signs in."""
    server = scripted(token=[hang, token()], me=[answer(body={})])
    client = OneClient("async", server.url, real_time=True)

    async def cancel_first():
        first = asyncio.ensure_future(client.client.whoami())
        await server.until_async(lambda: server.sign_ins)
        second = asyncio.ensure_future(client.client.whoami(timeout_s=30))
        await asyncio.sleep(0.05)
        first.cancel()
        return await second

    assert client._runner().run(cancel_first()).organization_id == ""
    client.close()


def test_more_tasks_than_connections_wait_their_turn(scripted, monkeypatch):
    """With a pool of three, thirty reads at once all succeed over three connections."""
    from flowlaunch._io import pool

    monkeypatch.setattr(pool, "POOL_SIZE", 3)
    server = scripted(execution=[execution()])
    client = OneClient("async", server.url, access_token="given", real_time=True)

    results = client.gather(*[("status", "exec-1")] * 30)

    assert [result.status for result in results] == ["RUNNING"] * 30
    assert server.connections == 3
    client.close()


def test_waiting_for_a_connection_that_does_not_come_is_not_sent(scripted, monkeypatch):
    """A launch that finds every connection busy until its deadline was not sent, and is not in doubt."""
    from flowlaunch._io import pool

    monkeypatch.setattr(pool, "POOL_SIZE", 1)
    server = scripted(execution=[hang])
    client = OneClient("async", server.url, access_token="given", real_time=True)

    async def both():
        read = asyncio.ensure_future(client.client.status("exec-1", timeout_s=60))
        await server.until_async(lambda: server.count("GET"))
        with pytest.raises(DeadlineError):
            await client.client.launch(FLOW_ID, {}, preflight="off", timeout_s=0.2)
        assert not read.done()
        read.cancel()
        with pytest.raises(asyncio.CancelledError):
            await read

    client._runner().run(both())
    assert server.launches == 0
    client.close()


def test_a_client_serves_one_event_loop_after_the_other(scripted):
    """An AsyncClient that was closed at the end of one loop works in the next."""
    import flowlaunch

    server = scripted(execution=[execution("COMPLETED")])
    client = flowlaunch.AsyncClient(server.url, access_token="given", pace_per_minute=None)

    async def once():
        async with client:
            return await client.status("exec-1")

    assert [asyncio.run(once()).status for _ in range(3)] == ["COMPLETED"] * 3
    assert server.connections == 3


def test_closing_ends_what_is_on_its_way(scripted):
    """A launch that is on its way when the client is closed is in doubt, and nothing hangs."""
    server = scripted(launch=[hang])
    client = OneClient("async", server.url, access_token="given", real_time=True)

    async def close_meanwhile():
        launch = asyncio.ensure_future(client.client.launch(FLOW_ID, {}, preflight="off"))
        await server.until_async(lambda: server.launches)
        await client.client.close()
        with pytest.raises(LaunchInDoubtError):
            await launch

    client._runner().run(close_meanwhile())
    client.close()


def test_two_orgs_live_in_one_process(connect, scripted):
    """Two clients share nothing: each signs in to its own org and launches there."""
    first, second = scripted(), scripted(token=[token("tok-other")], launch=[answer(body={"id": "exec-other"})])

    ids = [connect(server.url).call("launch", FLOW_ID, DATA).id for server in (first, second)]

    assert ids == ["exec-1", "exec-other"]
    assert [server.requests[-1].headers["authorization"] for server in (first, second)] == [
        "Bearer tok-1",
        "Bearer tok-other",
    ]


@pytest.mark.parametrize("given_token", ["tok\n", "Bearer tok", "tök", "a\r\nx-evil: 1", ""])
def test_a_given_token_must_be_one(connect, given_token):
    """A token with a line break or a blank is refused when the client is made, and can add no header."""
    from flowlaunch import AccessToken, SettingsError

    with pytest.raises(SettingsError) as caught:
        connect("http://127.0.0.1:1", credentials=AccessToken(given_token))

    assert not given_token or given_token not in str(caught.value)
