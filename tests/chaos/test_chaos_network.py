"""The suite's own network and clocks do what they say, or no partition and no jump of them proves anything."""

import contextlib
import socket
import sys
import time
from pathlib import Path

import psycopg
import pytest
from chaos_clock import Skew
from chaos_database import DatabaseClock
from chaos_network import Namespaces, why_no_namespaces

from child_processes import run_child

HERE = Path(__file__).parent
PATIENCE_S = 20.0
SILENCE_S = 0.3


class Talk:
    """A connection with a machine that sends back what it gets."""

    def __init__(self, network, folder):
        with socket.create_server((network.address, 0)) as listener:
            listener.settimeout(PATIENCE_S)
            port = str(listener.getsockname()[1])
            self.machine = network.machine([HERE / "chaos_echo.py", network.address, port], {}, folder=folder)
            self.wire, _ = listener.accept()
        self.wire.settimeout(PATIENCE_S)

    def says(self, text):
        self.wire.sendall(text)

    def hears(self, text):
        assert self.wire.recv(100) == text

    def hears_nothing(self):
        """Neither an answer nor an end nor a reset."""
        self.wire.settimeout(SILENCE_S)
        with pytest.raises(TimeoutError):
            self.wire.recv(100)
        self.wire.settimeout(PATIENCE_S)

    def machine_heard(self):
        return self.machine.said().split()

    def close(self):
        self.machine.close()
        self.wire.close()


@pytest.fixture
def talk(tmp_path):
    """A machine in a namespace of its own, and a connection with it."""
    if why_no_namespaces():
        pytest.skip(f"no network namespaces: {why_no_namespaces()}")
    with contextlib.closing(Namespaces()) as network, contextlib.closing(Talk(network, tmp_path)) as found:
        found.says(b"one")
        found.hears(b"one")
        yield found


@pytest.mark.parametrize(("way", "heard"), [("both", ["one"]), ("to", ["one"]), ("from", ["one", "two"])])
def test_a_partition_of_a_machine_drops_packets_until_it_heals(talk, way, heard):
    """What is sent in a partition waits without any error, in one direction or both, and arrives when it heals."""
    talk.machine.partition(way)
    talk.says(b"two")
    talk.hears_nothing()
    assert talk.machine_heard() == heard
    talk.machine.heal()
    talk.hears(b"two")


def test_nobody_is_told_when_a_machine_is_lost(talk):
    """A machine that loses power sends neither an end nor a reset: its connections stay open and silent."""
    talk.machine.lose()
    talk.says(b"two")
    talk.hears_nothing()


def test_a_killed_program_ends_its_connections(talk):
    """A program that is killed on a machine that goes on is told of by its connections, unlike a lost machine."""
    talk.machine.end()
    with contextlib.suppress(ConnectionResetError):
        assert talk.wire.recv(100) == b""


def test_a_machine_has_a_name_of_its_own(talk):
    """Workers on machines must not tell by the process list whether another one lives."""
    assert Path(f"/proc/{talk.machine.process.pid}/ns/uts").readlink() != Path("/proc/self/ns/uts").readlink()


@pytest.mark.parametrize("off_s", [3_600.0, -3_600.0])
def test_a_clock_that_was_set_is_off_in_another_process(tmp_path, off_s):
    """A process reads the time that it is told to read, however far from the truth."""
    skew = Skew(tmp_path / "clock")
    skew.jump_to(off_s)
    program = tmp_path / "program.py"
    program.write_text("import time; print(time.time())", "utf-8")
    told = run_child([sys.executable, HERE / "chaos_machine.py", "-", tmp_path / "clock", program],
                          input="\n", capture_output=True, text=True, check=True)  # fmt: skip
    assert float(told.stdout) - time.time() == pytest.approx(off_s, abs=PATIENCE_S)


def test_a_clock_drifts(tmp_path):
    """A drifting clock gains from the moment that it was told to, on top of where it stood."""
    skew = Skew(tmp_path / "clock")
    skew.jump_to(100.0)
    skew.drift(1e6)
    first_s = skew.off_s()
    assert 100.0 <= first_s < skew.off_s()


def test_the_database_goes_by_the_clock_that_was_set(postgres_server, postgres_url):
    """All that SQL may ask for the time jumps, for whoever asks."""
    clock = DatabaseClock(postgres_server, postgres_url)
    clock.jump_to(-3_600)
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT clock_timestamp(), now(), statement_timestamp()").fetchone()
    assert [one.timestamp() - time.time() for one in row] == [pytest.approx(-3_600, abs=PATIENCE_S)] * 3
