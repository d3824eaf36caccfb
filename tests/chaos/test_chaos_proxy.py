"""The suite's own proxy does what it says, or no partition of it proves anything."""

import contextlib
import socket

import pytest
from chaos_proxy import Proxy


@pytest.fixture
def echo():
    """An echo server's port."""
    import threading

    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                one, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(one,), daemon=True).start()

    def talk(one):
        with one:
            while data := one.recv(100):
                one.sendall(data)

    threading.Thread(target=answer, daemon=True).start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def test_bytes_go_through_and_back(echo):
    """Without a partition the proxy is a wire."""
    with Proxy("127.0.0.1", echo) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 5) as wire:
        wire.sendall(b"ping")
        assert wire.recv(10) == b"ping"


def test_a_partition_holds_bytes_back_until_it_heals(echo):
    """Nothing arrives during a partition, and nothing is lost by it."""
    with Proxy("127.0.0.1", echo) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 5) as wire:
        wire.sendall(b"one")
        assert wire.recv(10) == b"one"
        proxy.partition()
        wire.sendall(b"two")
        wire.settimeout(0.3)
        with pytest.raises(TimeoutError):
            wire.recv(10)
        proxy.heal()
        wire.settimeout(5)
        assert wire.recv(10) == b"two"


def test_a_cut_ends_connections_and_lets_new_ones_in(echo):
    """A cut is a reset; who connects again gets through."""
    with Proxy("127.0.0.1", echo) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as wire:
            wire.sendall(b"one")
            assert wire.recv(10) == b"one"
            proxy.cut()
            with contextlib.suppress(ConnectionResetError):
                assert wire.recv(10) == b""
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as wire:
            wire.sendall(b"two")
            assert wire.recv(10) == b"two"
