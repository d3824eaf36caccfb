"""What holds for every test: no setting of this machine counts, and no connection leaves it."""

import os
import shutil
import signal
import socket

import pytest

pytest_plugins = ("browsers", "postgres_server")

LOOPBACK = ("127.", "::1", "localhost")
FOREIGN = (
    "GENESYS", "FLOWLAUNCH", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "PURECLOUD", "SSL_CERT",
    "REQUESTS_CA",
)  # fmt: skip


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background: what tests start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_settings(monkeypatch, tmp_path_factory):
    """Hide the settings, profiles and proxies of whoever runs the tests."""
    for name in list(os.environ):
        if name.upper().startswith(FOREIGN):
            monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "CACHE", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    monkeypatch.setenv("FLOWLAUNCH_KEYRING", "off")
    yield
    if any(home.iterdir()):  # what one test wrote there is no other test's profile
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """Refuse every connection to another machine."""
    connect = socket.socket.connect

    def guarded(self, address):
        host = address[0] if isinstance(address, tuple) else "localhost"
        if not str(host).startswith(LOOPBACK):
            raise AssertionError(f"a test tried to connect to {host}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
