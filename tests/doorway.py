"""The way to a database server: open, shut, or leading to a server that takes connections and never answers."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit, urlunsplit


class Doorway:
    """Forwards connections to a server on the loopback interface.

    Attributes:
        tries: connections asked for since it was shut or muted.
        is_mute: whether nothing more gets through.

    """

    def __init__(self, url, *, answers=None):
        """Open a way that falls silent after so many answers, if that is given."""
        self._to, self._answers = urlsplit(url), answers
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._held = []
        self._is_open, self.is_mute = True, False
        self.tries = 0
        self._turn = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        """The server's URL through this door."""
        parts = self._to
        place = f"{parts.username}:{parts.password}@127.0.0.1:{self._listener.getsockname()[1]}"
        return urlunsplit((parts.scheme, place, parts.path, parts.query, ""))

    def shut(self):
        """Break every connection and refuse new ones."""
        self._is_open, self.tries = False, 0
        held, self._held = self._held, []
        for one in held:
            _close(one)

    def mute(self):
        """Let nothing more through, either way, and hold on to every connection."""
        self.is_mute, self.tries = True, 0

    def open(self):
        """Take connections again; those that were held while it was mute are broken."""
        self.shut()
        self._is_open, self.is_mute = True, False

    def close(self):
        self.shut()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.tries += 1
            if not self._is_open:
                _close(client)
                continue
            self._held.append(client)
            if self.is_mute:
                continue
            with contextlib.suppress(OSError):
                server = socket.create_connection((self._to.hostname, self._to.port))
                self._held.append(server)
                for pair in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source, target, answers):
        with contextlib.suppress(OSError):
            while part := source.recv(65_536):
                if answers:
                    self._count()
                if self.is_mute:
                    return
                target.sendall(part)
        _close(source)
        _close(target)

    def _count(self):
        with self._turn:
            if self._answers is not None and not self.is_mute:
                self._answers -= 1
                if self._answers < 0:
                    self.mute()


def _close(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
