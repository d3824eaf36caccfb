"""Serving: processes, ports, HTTPS, threads, and a clean end."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings

import pytest
import requests
from sandbox_api import Api, launch_bytes, raw

import flowlaunch.sandbox
from child_processes import ChildProcess
from flowlaunch.errors import SandboxError
from flowlaunch.sandbox import DropAfterProcessing, Options, ResetMidBody, Sandbox
from flowlaunch.sandbox.server import bind, serve

PROGRAM = """
import sys
from flowlaunch.sandbox.options import Options
from flowlaunch.sandbox.server import serve
serve(Options(rate_per_minute=None), lambda started: print(started.url, flush=True))
print("stopped", flush=True)
"""


def test_the_package_lists_its_names():
    """dir() of the package tells the public names, which load on first use, and nothing else."""
    assert set(dir(flowlaunch.sandbox)) == set(flowlaunch.sandbox.__all__)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_serves_until_it_is_told_to_stop(number):
    """serve() picks a port, tells its URL, serves, and ends cleanly on SIGINT and SIGTERM."""
    with ChildProcess([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            with Api(url) as api:
                assert api.sign_in().launch().status_code == 200
            os.kill(process.pid, number)
            assert process.stdout.read() == "stopped\n"
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_serve_announces_in_this_process_too():
    """serve() blocks until the server is stopped, and hands over URL and state."""
    seen = []

    def announce(started):
        seen.append(started.url)
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()

    serve(Options(), announce)
    assert seen[0].startswith("http://127.0.0.1:")


def test_a_taken_port_is_a_clear_error():
    """A port in use is a SandboxError with a cure."""
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(SandboxError, match=f"127.0.0.1:{port}") as caught:
            bind("127.0.0.1", port)
    assert "--port" in caught.value.hint


def test_the_sandbox_listens_on_loopback_only():
    """Nothing but the loopback address is bound by default."""
    with Sandbox() as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")


def serving():
    """Return the threads of sandboxes: other threads of a test run come and go."""
    return {one for one in threading.enumerate() if one.name.startswith("flowlaunch-sandbox")}


def test_starting_and_stopping_is_quick_and_leaves_nothing():
    """Twenty sandboxes one after the other leave no thread, no socket and no warning."""
    before = serving()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        started = time.monotonic()
        for _ in range(20):
            with Sandbox() as sandbox:
                host, port = sandbox.url.removeprefix("http://").split(":")
        assert time.monotonic() - started < 60
    assert serving() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=10)


def test_an_open_connection_does_not_keep_the_sandbox_alive():
    """Stopping closes idle connections, and does not wait for their clients."""
    with Sandbox() as sandbox, Api(sandbox.url) as api:
        api.sign_in()
        started = time.monotonic()
        sandbox.close()
        assert time.monotonic() - started < 20


def test_two_sandboxes_live_side_by_side(open_sandbox, connect):
    """Two organizations in one process know nothing of each other."""
    one, other = open_sandbox(), open_sandbox()
    connect(one).launch()
    assert (len(one.launches()), len(other.launches())) == (1, 0)


def test_fifty_threads_lose_nothing(sandbox, connect):
    """Launches from many threads are all accepted, each once."""
    apis = [connect(sandbox) for _ in range(10)]
    failures = []

    def work(api):
        failures.extend(answer for answer in (api.launch() for _ in range(20)) if answer.status_code != 200)

    threads = [threading.Thread(target=work, args=(api,)) for api in apis]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({launch.execution_id for launch in sandbox.launches()}) == 200


def test_the_standard_event_loop_does_the_same(monkeypatch, connect):
    """Without uvloop requests, lost connections and hangs work as with it."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with Sandbox() as sandbox:
        api = connect(sandbox)
        token = api.session.headers["Authorization"].removeprefix("Bearer ")
        sandbox.faults.script("executions.launch", 1, DropAfterProcessing())
        sandbox.faults.script("executions.launch", 2, ResetMidBody())
        assert raw(sandbox.url, launch_bytes(sandbox.url, token)) == b""
        assert raw(sandbox.url, launch_bytes(sandbox.url, token)).endswith(b"<reset>")
        assert api.run()["status"] == "COMPLETED"
        assert len(sandbox.launches()) == 3


def test_hundreds_of_waiting_runs_end_when_they_are_due(sandbox, api):
    """Hundreds of runs that wait all end once their time has come, without being read."""
    for _ in range(200):
        api.launch("reminder", {"Flow.waitSeconds": 0})
    for _ in range(200):
        api.launch("reminder", {"Flow.waitSeconds": 1_000})
    sandbox.advance(3_000)
    assert {launch.status for launch in sandbox.launches()} == {"COMPLETED"}


def test_https_has_a_ca_of_its_own():
    """With tls the URL is https, the CA file makes it trusted, and without it it is not."""
    pytest.importorskip("trustme")
    with Sandbox(tls=True) as sandbox:
        assert sandbox.url.startswith("https://")
        with requests.Session() as session:
            session.trust_env = False
            form = {"grant_type": "client_credentials"}
            url = f"{sandbox.url}/oauth/token"
            assert session.post(url, data=form, auth=("demo", "demo-secret"), verify=str(sandbox.ca_file)).ok
            with pytest.raises(requests.exceptions.SSLError):
                session.post(url, data=form, auth=("demo", "demo-secret"))
        ca_file = sandbox.ca_file
    assert not ca_file.exists()


def test_faults_cut_https_connections_too():
    """Dropping works under TLS as well."""
    pytest.importorskip("trustme")
    with Sandbox(tls=True) as sandbox, Api(sandbox.url) as api:
        api.session.verify = str(sandbox.ca_file)
        api.sign_in()
        sandbox.faults.next("executions.launch", DropAfterProcessing())
        with pytest.raises(requests.exceptions.ConnectionError):
            api.launch()
        assert len(sandbox.launches()) == 1


def test_https_without_the_extra_names_it(monkeypatch):
    """Without the package trustme the error names the extra to install."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(SandboxError) as caught, Sandbox(tls=True):
        pass
    assert "flowlaunch[tls]" in caught.value.hint


def test_a_connection_serves_many_requests(sandbox, api):
    """Connections are kept alive between requests, and two pipelined requests are both answered in order."""
    token = api.session.headers["Authorization"].removeprefix("Bearer ")
    last = launch_bytes(sandbox.url, token)
    first = last.replace(b"Connection: close\r\n", b"")
    assert raw(sandbox.url, first + last).count(b"HTTP/1.1 200 OK") == 2
    assert len(sandbox.launches()) == 2


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_garbage_does_not_stop_the_sandbox(sandbox, api, garbage):
    """Bytes that are no HTTP are refused and the next request is served."""
    raw(sandbox.url, garbage)
    assert api.launch().status_code == 200


def test_a_request_that_never_ends_is_not_carried_out(sandbox, api):
    """When the client leaves before its body is complete nothing is launched, even if the JSON was."""
    token = api.session.headers["Authorization"].removeprefix("Bearer ")
    whole = launch_bytes(sandbox.url, token)
    host, port = sandbox.url.removeprefix("http://").split(":")
    longer = re.sub(rb"Content-Length: (\d+)", lambda found: b"Content-Length: %d" % (int(found[1]) + 1), whole)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(longer)
    deadline = time.monotonic() + 60
    while not sandbox.journal("executions.launch") and time.monotonic() < deadline:
        api.get("/api/v2/tokens/me")
    entry = sandbox.journal("executions.launch")[0]
    assert (entry.status, sandbox.launches()) == (None, [])
    assert "client left" in entry.note


def test_a_very_large_body_is_read_before_it_is_refused(sandbox, api):
    """A client that sends megabytes gets to see the 413, and its connection goes on."""
    headers = {"Content-Type": "application/json"}
    assert api.call("POST", "/api/v2/flows/executions", data=b"x" * 8_000_000, headers=headers).status_code == 413
    assert api.launch().status_code == 200


def test_importing_the_sandbox_is_cheap():
    """`import flowlaunch.sandbox` loads neither the server nor the flow language."""
    code = (
        "import sys, flowlaunch.sandbox;"
        "print([name for name in ('starlette', 'uvicorn', 'yaml', 'msgspec', 'asyncio') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
