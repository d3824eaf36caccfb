"""A database that takes connections and says nothing: the gateway and the commands tell, and always end."""

import http.client
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from gateway_process import wait_until
from sqlalchemy import event

from child_processes import ChildProcess
from doorway import Doorway
from flowlaunch.batch.ledger import BatchSpec, open_ledger
from flowlaunch.batch.ledger.vigil import Vigil
from flowlaunch.errors import LedgerUnreachableError
from flowlaunch.gateway.access.keys import Keys
from flowlaunch.sandbox import Delay, Sandbox

IS_LONG = os.environ.get("FLOWLAUNCH_CHAOS") == "1"
HASTY = [str(Path(__file__).with_name("hasty_gateway.py"))]
REAL = ["-m", "flowlaunch"]
GATEWAY = ("gateway", "serve", "--port", "0", "--rate", "off")
RESUME = ("batch", "resume", "--run")
LONGEST_S = 60.0
AT_ONCE = 6
ENDED = (0, 1, -signal.SIGTERM)  # the last one: before it heeds signals
pytestmark = pytest.mark.timeout(1_800 if IS_LONG else 240)


class World:
    """A ledger with an empty batch, a sandbox, and programs that reach the ledger through doorways."""

    def __init__(self, url, sandbox, folder):
        self.url, self.sandbox, self.folder = url, sandbox, folder
        self.program = HASTY
        self.doors, self.begun = [], []
        with open_ledger(url) as ledger:
            ledger.finish_loading(ledger.create_batch(BatchSpec(source="rows", flow_id="f", flow_version="1.0")))
            self.key = Keys(ledger.store).create("apps", ["launch"], who="test").key

    def door(self, answers=None):
        self.doors.append(Doorway(self.url, answers=answers))
        return self.doors[-1]

    def run(self, door, *arguments):
        settings = {
            "GENESYSCLOUD_REGION": self.sandbox.url, "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret", "FLOWLAUNCH_LEDGER": door.url,
        }  # fmt: skip
        with self._path("out", len(self.begun)).open("wb") as out, self._path("log", len(self.begun)).open("wb") as log:
            command = [sys.executable, *self.program, *arguments]
            self.begun.append(ChildProcess(command, env=os.environ | settings, stdout=out, stderr=log))
        return self.begun[-1]

    def serve(self, door):
        return self.run(door, *GATEWAY)

    def url_of(self, gateway):
        out = self._path("out", self.begun.index(gateway))
        wait_until(lambda: out.read_text().endswith("\n"))
        return out.read_text().strip()

    def log_of(self, process):
        return self._path("log", self.begun.index(process)).read_text("utf-8", "replace")

    def rows(self):
        with open_ledger(self.url, create=False) as ledger:
            return [row for batch in ledger.batches() for row in ledger.rows(batch.batch_id)]

    def _path(self, kind, number):
        return self.folder / f"{number}.{kind}"

    def close(self):
        for one in self.begun:
            one.kill()
            one.wait(10)
        for door in self.doors:
            door.close()


@pytest.fixture
def world(postgres_ledger_url, tmp_path):
    with Sandbox(rate_per_minute=None) as sandbox:
        made = World(postgres_ledger_url, sandbox, tmp_path)
        yield made
        made.close()


def ask(url, method, path, body=None, **headers):
    """Ask a gateway that may be silent where it must not be."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request(method, path, None if body is None else msgspec.json.encode(body), headers)
    answer = connection.getresponse()
    found = answer.status, msgspec.json.decode(answer.read())
    connection.close()
    return found


def is_ready(url):
    return ask(url, "GET", "/readyz")[0] == 200


def test_one_signal_ends_what_works_wherever_its_database_fell_silent(world):
    """A gateway and a batch run end by one SIGTERM after any answer was the last: in their start, and at work."""
    world.program = REAL if IS_LONG else HASTY
    cases = [(GATEWAY, number) for number in (range(121) if IS_LONG else (18, 32, 45, 58))]
    cases += [(RESUME, number) for number in (range(40, 100) if IS_LONG else (70,))]
    for begin in range(0, len(cases), AT_ONCE):
        doors = [(world.door(number), command) for command, number in cases[begin : begin + AT_ONCE]]
        begun = [(door, world.run(door, *command)) for door, command in doors]
        wait_until(lambda held=begun: all(door.is_mute or one.poll() is not None for door, one in held))
        for _, one in begun:
            one.send_signal(signal.SIGTERM)
        ended = {world.begun.index(one): one.wait(LONGEST_S) for _, one in begun}
        assert set(ended.values()) <= set(ENDED), ended
        assert not any("defect" in world.log_of(one) for _, one in begun)


def test_a_gateway_whose_database_is_silent_lives_tells_it_and_goes_on(world):
    """/healthz is answered and /readyz names the ledger; new connections being answered again, it is ready again."""
    door = world.door()
    gateway = world.serve(door)
    url = world.url_of(gateway)
    wait_until(lambda: is_ready(url))
    door.mute()
    assert ask(url, "GET", "/healthz")[0] == 200
    wait_until(lambda: not is_ready(url))
    assert ask(url, "GET", "/healthz")[0] == 200
    status, told = ask(url, "GET", "/readyz")
    assert status == 503
    assert [one["name"] for one in told["checks"] if not one["ok"]] == ["ledger"]
    door.is_mute = False  # for those who connect anew: what was connected stays silent
    wait_until(lambda: is_ready(url))
    assert "has not answered" in world.log_of(gateway)
    gateway.send_signal(signal.SIGTERM)
    assert gateway.wait(LONGEST_S) == 0


def test_a_gateway_ends_while_the_answer_of_a_launch_cannot_be_written(world):
    """Launches under way, one SIGTERM ends a gateway whose database is silent; each was sent once."""
    door = world.door()
    gateway = world.serve(door)
    url = world.url_of(gateway)
    world.sandbox.faults.next("executions.launch", Delay(1.0))
    body = {"flow": "Order follow-up", "input": {"customerName": "J", "orderId": "1"}}
    headers = {"authorization": f"Bearer {world.key}", "content-type": "application/json"}
    assert ask(url, "POST", "/v1/launches", body, **headers)[0] == 202
    wait_until(lambda: [row.state.value for row in world.rows()] == ["launching"])
    door.mute()
    gateway.send_signal(signal.SIGTERM)
    assert gateway.wait(LONGEST_S) == 0
    assert [row.state.value for row in world.rows()] == ["launching"]  # the next one finds it in doubt
    assert len(world.sandbox.launches()) == 1


def test_what_begins_with_a_silent_database_ends_by_itself(world):
    """The gateway's start and commands end with code 1 and name the database; Ctrl-C ends them sooner."""
    commands = (("gateway", "serve", "--port", "0"), ("batch", "status"), ("worker", "list"))
    doors = [world.door(7) for _ in range(len(commands) + 1)]
    begun = [world.run(door, *command) for door, command in zip(doors, (*commands, commands[1]), strict=True)]
    wait_until(lambda: doors[-1].is_mute)
    begun[-1].send_signal(signal.SIGINT)
    ended = [one.wait(LONGEST_S) for one in begun]
    assert ended == [1] * len(commands) + [130], [world.log_of(one) for one in begun]
    for one in begun[:-1]:
        assert "takes connections and does not answer" in world.log_of(one)
        assert "127.0.0.1" in world.log_of(one)


def test_a_server_that_refuses_is_not_waited_for_by_who_is_to_end(world):
    """From the wish to end on a server that can't be reached is given up like a silent one, and for good."""
    door = world.door()
    with Vigil(leave_s=0.3, look_s=0.1) as vigil, open_ledger(door.url, on_store=vigil.watch) as ledger:
        door.shut()
        vigil.leave()
        wait_until(lambda: vigil.has_given_up)
        door.open()
        with pytest.raises(LedgerUnreachableError), ledger.store.read("ask") as connection:
            connection.exec_driver_sql("SELECT 1")


def test_asking_for_the_time_meets_a_broken_connection_as_all_else_does(world):
    """The server's clock is asked for by itself: a connection lost then is told as the ledger's, not as a defect."""
    with open_ledger(world.url) as ledger:
        database = ledger.store.database

        @event.listens_for(database.engine, "before_cursor_execute")
        def cut(_connection, _cursor, statement, *_rest):
            if "clock_timestamp" in statement:
                database.break_off()

        with pytest.raises(LedgerUnreachableError, match="ask for the time"):
            database.ask_time()


def test_a_long_statement_is_left_alone(world):
    """A server that answers others may take as long for one statement as it likes."""
    with Vigil(patience_s=10.0) as vigil, open_ledger(world.url, on_store=vigil.watch) as ledger:
        with ledger.store.read("wait") as connection:
            assert connection.exec_driver_sql("SELECT pg_sleep(13)").all() == [("",)]
        assert not vigil.has_given_up
