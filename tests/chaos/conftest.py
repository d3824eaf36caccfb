"""What chaos needs: a network within this machine; and what only the long form has."""

import socket

import pytest
from chaos_network import NET, network
from chaos_siege import IS_LONG

collect_ignore = [] if IS_LONG else ["test_chaos_full_disk.py"]
WITHIN = ("127.", "::1", "localhost", NET.partition("{")[0])


@pytest.fixture
def machines():
    """A network for machines, the best that is allowed here."""
    found = network()
    yield found
    found.close()


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """Refuse every connection to another machine; those of the suite's own network are this one."""
    connect = socket.socket.connect

    def guarded(self, address):
        host = address[0] if isinstance(address, tuple) else "localhost"
        if not str(host).startswith(WITHIN):
            raise AssertionError(f"a test tried to connect to {host}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
