"""Connections that talk out of turn, callers that run out of time for one another, and interrupted readers."""

import asyncio
import threading
import time

import pytest
from scripted_server import FLOW_ID, KEEP, OneClient, answer, execution, hang, later

from flowlaunch import AuthenticationError, DeadlineError, LaunchInDoubtError, NotSentError
from flowlaunch._core.messages import Response
from flowlaunch._io import connection as connections


def then(first, second, sent, pause_s=0.02):
    """Return a reply that sends `first`, and a little later `second` unasked; `sent` is set once both left."""

    def send(sock):
        sock.sendall(first)
        if second:
            time.sleep(pause_s)
            sock.sendall(second)
        sent.set()
        return KEEP

    return send


def rest(client, seconds):
    """Let the client's event loop, or the thread, rest."""
    if client.kind == "sync":
        time.sleep(seconds)
    else:
        client._runner().run(asyncio.sleep(seconds))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (execution("RUNNING"), b"garbage"),
        (execution("RUNNING"), execution("STALE")),
        (execution("RUNNING") + b"HTTP/1.1 200 OK\r\n", b""),
        (execution("RUNNING") + execution("STALE"), b""),
    ],
    ids=["garbage later", "answer later", "half an answer", "answer at once"],
)
def test_an_answer_that_nobody_asked_for_is_given_to_nobody(connect, scripted, first, second):
    """What a server sends out of turn is never taken for the answer to the next request."""
    sent = threading.Event()
    server = scripted(execution=[then(first, second, sent), execution("COMPLETED")])
    client = connect(server.url, real_time=True, access_token="given")

    assert client.call("status", "exec-1").status == "RUNNING"
    assert sent.wait(60)
    rest(client, 0.02)

    assert client.call("status", "exec-1").status == "COMPLETED"


def test_interim_answers_are_passed_by(connect, scripted):
    """A 100 before the answer is not the answer."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    server = scripted(execution=[interim + execution("COMPLETED")])

    assert connect(server.url).call("status", "exec-1").succeeded


def test_an_answer_without_a_body_is_an_answer(connect, scripted):
    """204 has no body: for a launch, which promises an id, it is in doubt."""
    server = scripted(launch=[b"HTTP/1.1 204 No Content\r\n\r\n"])

    with pytest.raises(LaunchInDoubtError) as caught:
        connect(server.url).call("launch", FLOW_ID, {}, preflight="off")

    assert caught.value.status == 204


def test_a_chunked_answer_is_read_whole(connect, scripted):
    """Chunks make one body."""
    body = b'{"id": "exec-1", "status": "COMPLETED"}'
    chunked = b"".join(b"%x\r\n%s\r\n" % (1, body[i : i + 1]) for i in range(len(body))) + b"0\r\n\r\n"
    server = scripted(execution=[b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunked])

    assert connect(server.url).call("status", "exec-1").succeeded


def test_an_endless_answer_is_cut_short(scripted, monkeypatch):
    """An answer beyond all measure is given up instead of filling the memory."""
    monkeypatch.setattr(connections, "MAX_ANSWER_BYTES", 1000)
    server = scripted(launch=[answer(200, b" " * 5000)])
    client = OneClient("async", server.url, access_token="given")

    with pytest.raises(LaunchInDoubtError) as caught:
        client.call("launch", FLOW_ID, {}, preflight="off")

    assert "more than 1,000 bytes" in caught.value.message
    client.close()


def test_a_connection_that_ended_before_its_exchange_carries_nothing():
    """A request is not written to a connection that is gone, and counts as not sent."""

    async def exchange():
        return await connections.Connection(asyncio.get_running_loop()).exchange(b"GET", b"", 1.0)

    reply = asyncio.run(exchange())

    assert not isinstance(reply, Response)
    assert not reply.request_left


def test_a_caller_with_less_time_does_not_wait_for_anothers_sign_in(connect, scripted):
    """Whoever waits for another's sign-in or read waits no longer than its own time."""
    server = scripted(token=[later(answer(400, {"error": "invalid_client"}), 0.6)])
    client = connect(server.url, real_time=True)

    first, second = client.gather(("whoami", {"timeout_s": 5.0}), ("whoami", {"timeout_s": 0.2}))

    kinds = {type(first), type(second)}
    assert DeadlineError in kinds or kinds == {AuthenticationError}
    assert server.sign_ins <= 2


def test_a_caller_with_less_time_does_not_wait_for_anothers_read(connect, scripted):
    """A flow that another caller is reading slowly is waited for no longer than the call's own time."""
    server = scripted(flow=[hang])
    client = connect(server.url, real_time=True, access_token="given")
    began = time.monotonic()

    results = client.gather(*[("find_flow", FLOW_ID, {"timeout_s": 0.25})] * 5)

    assert all(isinstance(result, DeadlineError) for result in results)
    assert time.monotonic() - began < 20


def test_an_interrupted_reader_leaves_the_execution_to_others(connect, scripted):
    """When the caller who reads is interrupted, the execution can be read again at once."""
    server = scripted(execution=[execution("COMPLETED")])
    client = connect(server.url, access_token="given")
    waiter, read = client.client._waiter, client.client._waiter._read

    class Interrupt(BaseException):
        pass

    def interrupted(*_args):
        raise Interrupt

    waiter._read = interrupted
    with pytest.raises(Interrupt):
        client.call("wait", "exec-1")
    waiter._read = read

    assert client.call("wait", "exec-1").succeeded


def test_a_host_that_cannot_be_looked_up_was_not_sent_to(connect):
    """A host name that no name server can take ends in NotSentError."""
    client = connect(f"http://{'a' * 70}.example", access_token="given")

    with pytest.raises(NotSentError):
        client.call("status", "exec-1")


def test_a_password_protected_key_is_a_settings_error(connect, tmp_path):
    """A client key with a password is refused instead of asking at a terminal."""
    import trustme
    from cryptography.hazmat.primitives import serialization

    leaf = trustme.CA().issue_cert("client.example")
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    locked = serialization.BestAvailableEncryption(b"pw")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    (tmp_path / "key.pem").write_bytes(pem)
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    from flowlaunch import SettingsError

    files = {"client_cert_file": tmp_path / "cert.pem", "client_key_file": tmp_path / "key.pem"}
    with pytest.raises(SettingsError) as caught:
        connect("https://localhost:1", access_token="given", **files).call("status", "exec-1")

    assert "password" in str(caught.value)


@pytest.mark.parametrize("bad", [{"timeout_s": "soon"}, {"pace_per_minute": -1}, {"preflight": "x"}])
def test_a_wrong_argument_beside_settings_is_told(connect, bad):
    """An argument that overrides a setting is read like the setting itself."""
    from flowlaunch import SettingsError
    from flowlaunch.settings import Settings

    with pytest.raises(SettingsError):
        connect("http://127.0.0.1:1", settings=Settings(region="us-east-1"), **bad)


def test_a_connection_that_talks_on_after_its_answer_is_given_up():
    """A connection on which more came than was asked for is not used again: the rest would meet the next request."""

    async def exchange(more):
        connection = connections.Connection(asyncio.get_running_loop())

        class Echo(asyncio.Transport):
            def write(self, _data):
                connection.data_received(answer(200, {"id": "e"}) + more)

            def is_closing(self):
                return False

        connection.connection_made(Echo())
        reply = await connection.exchange(b"", b"", asyncio.get_running_loop().time() + 5)
        return reply.status, connection.is_reusable

    assert asyncio.run(exchange(b"")) == (200, True)
    assert asyncio.run(exchange(b"HTTP/1.1 200 OK\r\ncontent-le")) == (200, False)
