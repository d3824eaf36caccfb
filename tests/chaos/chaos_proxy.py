"""A TCP proxy that can be cut: what a network between two machines does, between two processes of one."""

import contextlib
import select
import socket
import threading

CHUNK = 65_536
LOOK_S = 0.05


class Proxy:
    """Forwards connections to `(host, port)` until it is partitioned.

    In a partition bytes in flight are held back and new connections hang, as when packets are dropped; `cut` ends
    connections with a reset instead. `heal` lets everything through again.
    """

    def __init__(self, host, port, *, at="127.0.0.1"):
        self._to = (host, port)
        self._open = threading.Event()
        self._open.set()
        self._closing = threading.Event()
        self._pairs = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server((at, 0))
        self._listener.settimeout(LOOK_S)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def partition(self):
        """Hold back every byte from now on."""
        self._open.clear()

    def heal(self):
        """Let bytes through again."""
        self._open.set()

    def cut(self):
        """Reset every connection; new ones may come."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    def close(self):
        """End everything."""
        self._closing.set()
        self._open.set()
        self.cut()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def _accept(self):
        while not self._closing.is_set():
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(near,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, near):
        self._open.wait()
        try:
            far = socket.create_connection(self._to, 5)
        except OSError:
            near.close()
            return
        pair = (near, far)
        with self._lock:
            self._pairs.add(pair)
        try:
            while not self._closing.is_set() and self._pump(near, far):
                pass
        except (OSError, ValueError):  # cut, or closed by either side
            pass
        finally:
            with self._lock:
                self._pairs.discard(pair)
            for one in pair:
                one.close()

    def _pump(self, near, far):
        """Carry what has come one step; false at the end of either stream."""
        ready, _, _ = select.select((near, far), (), (), LOOK_S)
        for one in ready:
            data = one.recv(CHUNK)
            while not self._open.wait(LOOK_S):
                if self._closing.is_set():
                    return False
            if not data:
                return False
            (far if one is near else near).sendall(data)
        return True
