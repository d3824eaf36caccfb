"""Ask one side every question, one after another, and take the shape of each answer."""

from __future__ import annotations

import json
import time
import uuid
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import msgspec

from flowlaunch._core.messages import Call, Lost, Request, Response
from flowlaunch._io.http_sync import SyncTransport
from flowlaunch.contracts.shape import Operation
from flowlaunch.parity.probes import PROBES
from flowlaunch.parity.shapes import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flowlaunch._io.network import Network
    from flowlaunch.parity.probes import Probe
    from flowlaunch.regions import Hosts

__all__ = ["Place", "visit"]

ANSWER_S: Final = 30.0
END_WITHIN_S: Final = 60.0
READ_EVERY_S: Final = 1.0
FOUND: Final = ("flow_id", "flow_name", "flow_name_swapped", "flow_name_part", "execution_id")
"""What questions are about that earlier answers give."""
NOWHERE: Final = "00000000-0000-4000-8000-00000000dead"


@dataclass(frozen=True, slots=True)
class Place:
    """One side: where it is, how to sign in there, and what to ask about.

    Attributes:
        access_token: used where no client is given; the questions about signing in are left out then.
        flow_id: the flow to ask about; None takes the first workflow of the list.
        input_data: of the launches.
        launches: whether the flow may be launched; needs `flow_id`.

    """

    hosts: Hosts
    network: Network
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    flow_id: str | None = None
    input_data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    launches: bool = False


def visit(place: Place, pause: Callable[[float], None] = time.sleep) -> Iterator[tuple[Probe, Shape | None]]:
    """Ask every question in turn; None for one that cannot or must not be asked here."""
    visitor = _Visitor(place, pause)
    try:
        for probe in PROBES:
            yield probe, visitor.ask(probe)
    finally:
        visitor.transport.close()


class _Visitor:
    def __init__(self, place: Place, pause: Callable[[float], None]) -> None:
        self.place = place
        self.pause = pause
        self.transport = SyncTransport(place.network)
        self.token = place.access_token or ""
        self.known: dict[str, Any] = {"unknown_id": str(uuid.uuid4()), "input_data": dict(place.input_data)}
        if place.flow_id is not None:
            self.known["flow_id"] = place.flow_id

    def ask(self, probe: Probe) -> Shape | None:
        if not self._may(probe):
            return None
        reply = self._send(probe)
        ends_s = time.monotonic() + END_WITHIN_S
        while probe.until_ended and not _has_ended(reply) and time.monotonic() < ends_s:
            self.pause(READ_EVERY_S)
            reply = self._send(probe)
        if isinstance(reply, Lost):
            return Shape(None, lost=reply.kind)
        self._learn(probe, reply)
        return shape_of(reply.status, reply.headers, reply.body)

    def _may(self, probe: Probe) -> bool:
        if probe.signed in {"client", "client as form"} and not (self.place.client_id and self.place.client_secret):
            return False
        if probe.launches and not (self.place.launches and self.place.flow_id):
            return False
        wanted = f"{probe.path} {json.dumps(probe.body) if not isinstance(probe.body, bytes) else ''}"
        return all(f"{{{name}}}" not in wanted or name in self.known for name in FOUND)

    def _send(self, probe: Probe) -> Response | Lost:
        base = self.place.hosts.login_url if probe.is_sign_in else self.place.hosts.api_url
        url = base + probe.path.format_map({name: quote(str(value), safe="") for name, value in self.known.items()})
        operation = Operation(
            probe.name, probe.name, probe.method, probe.path, "", is_repeatable=False, evidence="official"
        )
        call = Call(operation, url, self._body(probe))
        return self.transport.send(Request(call, self._headers(probe)), ANSWER_S)

    def _body(self, probe: Probe) -> bytes | None:
        if probe.is_sign_in:
            own = {"client_id": self.place.client_id, "client_secret": self.place.client_secret}
            return urlencode({**probe.body, **(own if probe.signed == "client as form" else {})}).encode()
        if probe.body is None or isinstance(probe.body, bytes):
            return probe.body
        return json.dumps(self._filled(probe.body)).encode()

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        is_place = isinstance(value, str) and value.startswith("{") and value[1:-1] in self.known
        return self.known[value[1:-1]] if is_place else value

    def _headers(self, probe: Probe) -> dict[str, str]:
        headers = {"accept": "application/json", "user-agent": "flowlaunch parity"}
        if probe.is_sign_in:
            headers["content-type"] = "application/x-www-form-urlencoded"
        elif probe.body is not None:
            headers["content-type"] = probe.media
        authorization = _AUTHORIZATIONS[probe.signed](self)
        return headers | ({"authorization": authorization} if authorization else {})

    def _learn(self, probe: Probe, reply: Response) -> None:
        """Keep the token and the ids that later questions need."""
        document = _decoded(reply.body)
        if probe.name == "sign-in" and isinstance(document, dict):
            self.token = str(document.get("access_token") or self.token)
        for name, keys in probe.finds.items():
            found = _dig(document, keys)
            if isinstance(found, str):
                self.known.setdefault(name, found)
        if "flow_name" in probe.finds and "flow_name" in self.known:
            flow_name: str = self.known["flow_name"]
            self.known |= {"flow_name_swapped": flow_name.swapcase(), "flow_name_part": flow_name[:-1]}


_AUTHORIZATIONS: Final[Mapping[str, Callable[[_Visitor], str]]] = {
    "yes": lambda visitor: f"Bearer {visitor.token}",
    "no": lambda _visitor: "",
    "wrong token": lambda _visitor: f"Bearer {NOWHERE}",
    "client": lambda visitor: _basic(visitor.place.client_id or "", visitor.place.client_secret or ""),
    "client as form": lambda _visitor: "",
    "wrong client": lambda _visitor: _basic(NOWHERE, NOWHERE),
}


def _basic(client_id: str, secret: str) -> str:
    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()


def _has_ended(reply: Response | Lost) -> bool:
    document = _decoded(reply.body) if isinstance(reply, Response) else None
    return isinstance(document, dict) and document.get("status") not in {None, "RUNNING", "UNKNOWN", 404}


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _dig(document: Any, keys: tuple[str | int, ...]) -> Any:
    for key in keys:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return None
    return document
