"""A line to a PostgreSQL server that breaks when told to: before or after a COMMIT got through."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit, urlunsplit


class CutLine:
    """Forwards connections to a server on the loopback interface; `cut_at_commit` breaks one, `down` all."""

    def __init__(self, url):
        self._to = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._cut = None
        self._open = []
        self.cuts = 0
        self.is_down = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        """The server's URL by this line."""
        parts = self._to
        place = f"{parts.username}:{parts.password}@127.0.0.1:{self._listener.getsockname()[1]}"
        return urlunsplit((parts.scheme, place, parts.path, parts.query, ""))

    def cut_at_commit(self, when):
        """Break the connection of the next COMMIT `before` the server gets it, or `after`, before its answer."""
        self._cut = when

    def down(self):
        """Break every connection and take no new ones."""
        self.is_down = True
        for one in tuple(self._open):
            _close(one)

    def up(self):
        """Take connections again."""
        self.is_down = False

    def close(self):
        self.down()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_down:
                _close(client)
                continue
            server = socket.create_connection((self._to.hostname, self._to.port))
            self._open += [client, server]
            threading.Thread(target=self._upstream, args=(client, server), daemon=True).start()
            threading.Thread(target=_copy, args=(server, client), daemon=True).start()

    def _upstream(self, client, server):
        with contextlib.suppress(OSError):
            while part := client.recv(65_536):
                if self._cut and b"COMMIT" in part:
                    when, self._cut = self._cut, None
                    self.cuts += 1
                    if when == "after":
                        _shut_reading(client)
                        server.sendall(part)
                        server.settimeout(2)
                        self._wait_for_answer(server)
                    break
                server.sendall(part)
        _close(client)
        _close(server)

    def _wait_for_answer(self, server):
        """Let the server get and answer it: ask it to say goodbye, which it does after what it was asked before."""
        with contextlib.suppress(OSError):
            server.sendall(b"X\x00\x00\x00\x04")
            while server.recv(65_536):
                pass


def _shut_reading(client):
    """Let nothing more reach the client."""
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_WR)


def _copy(server, client):
    with contextlib.suppress(OSError):
        while part := server.recv(65_536):
            client.sendall(part)
    _close(client)


def _close(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
