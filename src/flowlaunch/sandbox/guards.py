"""Who may talk to the sandbox: the Host header, and where a browser's request comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlaunch.sandbox.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Hosts"]

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
KEEP = 1_000


class Hosts:
    """An allow-list of Host headers, against pages that rebind a name to this machine.

    The loopback names and the bound address are accepted with any port, as proxies and port forwarding change
    it; other names only when they were given.
    """

    def __init__(self, bound: str, extra: Iterable[str] = ()) -> None:
        named = f"[{bound}]" if ":" in bound else bound
        self._names = {name.casefold() for name in (*LOOPBACK_NAMES, named, *extra)}
        self.accepted: set[bytes] = set()

    def check(self, host: bytes) -> None:
        """Accept a Host header, or refuse it with 403."""
        name = self._name(host)
        if name not in self._names:
            shown = host.decode("latin-1") or "(none)"
            text = f"The sandbox does not answer to the host name {shown}; allow it with allowed_hosts."
            raise Refusal(403, "sandbox.host.refused", text)
        if len(self.accepted) < KEEP:
            self.accepted.add(host)

    def accepts_origin(self, origin: str, host: bytes) -> bool:
        """Tell whether an Origin header is the sandbox's own."""
        return origin.partition("://")[2].casefold().encode("latin-1") == host.lower()

    @staticmethod
    def _name(host: bytes) -> str:
        text = host.decode("latin-1").casefold()
        if text.startswith("["):
            return text.partition("]")[0] + "]"
        return text.partition(":")[0]
