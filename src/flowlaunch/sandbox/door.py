"""The way in to a server: listening, or refusing every connection for a while."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from flowlaunch.sandbox.knocks import ASKS_AGAIN_S, count_knocks, drop_knocks

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

__all__ = ["Door"]

BACKLOG = 2_048
LISTEN_EVERY_S = 0.005


class Door:
    """A listening socket in a running loop that can be shut and opened again on the same address.

    Attributes:
        refusals: how often it was shut, those not counted that wait for somebody to try.

    """

    def __init__(
        self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol], context: ssl.SSLContext | None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = listener
        self._protocol = protocol
        self._context = context
        self._server: asyncio.Server | None = None
        self._reopening: asyncio.Task[None] | None = None
        self.refusals = 0

    async def open(self) -> None:
        """Accept connections."""
        self._server = await self._loop.create_server(
            self._protocol, sock=self._socket, ssl=self._context, backlog=BACKLOG
        )

    def refuse(self, seconds: float, once_tried: bool = False) -> None:
        """Refuse new connections for `seconds`, from before this returns; those that are open stay.

        `once_tried`: from the first connection that is refused, where the system can tell of it.
        """
        if self._server is None or self._reopening is not None:
            return
        if once_tried and drop_knocks(self._socket):
            self._reopening = self._loop.create_task(self._refuse_once_tried(seconds))
        else:
            family, address = self._shut()
            self._reopening = self._loop.create_task(self._reopen(family, address, seconds))

    async def _refuse_once_tried(self, seconds: float) -> None:
        while not (tries := count_knocks(self._socket)):  # noqa: ASYNC110 - the system counts and tells nobody
            await asyncio.sleep(LISTEN_EVERY_S)
        next_try_s = ASKS_AGAIN_S * 2 ** (tries - 1)  # more than one: this process was slow to look
        await self._reopen(*self._shut(), next_try_s + seconds)

    def _shut(self) -> tuple[int, tuple[str, int]]:
        """Close the listening socket; gives what it takes to make it anew."""
        family, address = self._socket.family, self._socket.getsockname()
        if self._server is not None:
            self._server.close()
        self._server = None
        self.refusals += 1
        return family, address

    async def _reopen(self, family: int, address: tuple[str, int], seconds: float) -> None:
        await asyncio.sleep(0)  # uvloop gives the socket back a turn later
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(address)  # bound without listening: keeps the port, and the system refuses for us
        self._socket.setblocking(False)
        await asyncio.sleep(seconds)
        self._reopening = None
        await self.open()

    def close(self) -> None:
        """Accept nothing any more."""
        if self._reopening is not None:
            self._reopening.cancel()
        if self._server is not None:
            self._server.close()
        self._socket.close()
