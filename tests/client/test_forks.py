"""A client that a process inherits by fork works there, whatever the parent's threads held at that moment."""

import subprocess
import sys
import textwrap

import pytest
from scripted_server import execution

PROGRAM = """
import os, sys, threading, time
import flowlaunch

client = flowlaunch.Client(sys.argv[1], access_token="given", pace_per_minute=None)
{before}
child = os.fork()
if child == 0:
    try:
        {in_child}
        os._exit(0)
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)
{in_parent}
_, status = os.waitpid(child, 0)
client.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""

HOLD_ALL_LOCKS = """
def hold():
    driver = client._driver
    with driver._lock, driver._sign_in_lock, driver.transport._lock, client._waiter._lock:
        held.set()
        time.sleep(0.5)
held = threading.Event()
threading.Thread(target=hold, daemon=True).start()
held.wait()
"""
WAIT_IN_A_THREAD = """
def wait():
    try:
        client.wait("exec-1", wait_s=1.2)
    except flowlaunch.DeadlineError:
        pass
threading.Thread(target=wait, daemon=True).start()
time.sleep(0.4)
"""
READ = 'assert client.status("exec-1", timeout_s=20).status == "RUNNING"'
WAIT = 'assert client.wait("exec-2", wait_s=20).status == "COMPLETED"'
MANY = """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(20) as pool:
            found = list(pool.map(lambda _: client.status("exec-1", timeout_s=20).status, range(40)))
        assert found == ["RUNNING"] * 40
"""


@pytest.mark.parametrize(
    ("before", "in_child", "in_parent"),
    [
        (READ, READ, READ),
        (HOLD_ALL_LOCKS, READ, ""),
        (HOLD_ALL_LOCKS, WAIT, ""),
        (HOLD_ALL_LOCKS, MANY.strip(), ""),
        (WAIT_IN_A_THREAD, WAIT, ""),
    ],
    ids=["both use it", "locks held, read", "locks held, wait", "locks held, threads", "a thread waits"],
)
def test_a_forked_process_uses_its_parents_client(scripted, before, in_child, in_parent):
    """A forked child reads and waits with its parent's client: it has locks, connections and waiters of its own."""
    server = scripted(execution=[execution()])
    own_next = server._next
    server._next = lambda seen: execution("COMPLETED") if seen.path.endswith("exec-2") else own_next(seen)
    code = PROGRAM.format(before=before, in_child=in_child, in_parent=in_parent)

    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), server.url],
        check=False,
        capture_output=True,
        text=True,
        timeout=90,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_fork_does_not_share_its_parents_connection(scripted):
    """Parent and child never write to one connection: the child opens its own."""
    server = scripted(execution=[execution()])
    code = PROGRAM.format(before=READ, in_child=READ, in_parent=READ)

    subprocess.run([sys.executable, "-c", textwrap.dedent(code), server.url], check=True, timeout=90)

    assert server.connections == 2


ASYNC_PROGRAM = """
import asyncio, os, sys
import flowlaunch

client = flowlaunch.AsyncClient(sys.argv[1], access_token="given", pace_per_minute=None)

async def read():
    async with client:
        return (await client.status("exec-1", timeout_s=20)).status

assert asyncio.run(read()) == "RUNNING"
child = os.fork()
if child == 0:
    os._exit(0 if asyncio.run(read()) == "RUNNING" else 1)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_forked_process_runs_a_loop_of_its_own(scripted):
    """An AsyncClient made before a fork works in the child's event loop."""
    server = scripted(execution=[execution()])

    ran = subprocess.run(
        [sys.executable, "-c", ASYNC_PROGRAM, server.url], check=False, capture_output=True, text=True, timeout=90
    )

    assert ran.returncode == 0, ran.stderr
