"""Worlds for the gateway's edges: a clock moved by hand, launches that have ended, receivers that misbehave."""

from __future__ import annotations

import asyncio
import base64
import contextlib

from flowlaunch._core.steps import Moment
from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, Result, RowFilter, open_ledger, place_of
from flowlaunch.batch.states import Event
from flowlaunch.gateway.callbacks.masters import Masters
from flowlaunch.gateway.callbacks.outbox import Callbacks
from flowlaunch.gateway.callbacks.sending import Sender
from flowlaunch.gateway.callbacks.targets import read_rules
from flowlaunch.gateway.store import launches

START_S = 1_800_000_000.0
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
MASTER = b"a master secret that only tests know, long enough"
MASTERS = Masters((MASTER,))


class HandClock:
    """Both clocks, moved by hand."""

    def __init__(self, start_s=START_S):
        self.mono_s, self.unix_s = 1000.0, start_s

    def now(self):
        return Moment(self.mono_s, self.unix_s)

    def advance(self, seconds):
        self.mono_s += seconds
        self.unix_s += seconds

    @property
    def now_us(self):
        return round(self.unix_s * 1_000_000)


class Door:
    """A ledger with one open-ended batch, in which launches are made and ended."""

    def __init__(self, folder, clock, place=None):
        self.clock = clock
        self.path = folder / "gateway.db"
        self.ledger = open_ledger(place or self.path, clock=clock)
        self.asked, self.refusal = [], None
        self.store = self.ledger.store
        known = [batch.batch_id for batch in self.ledger.batches()]
        self.batch_id = known[0] if known else self.ledger.create_batch(
            BatchSpec(source="gateway", flow_id="flow-1", name="gateway:crm")
        )  # fmt: skip

    def launch(self, callback_url=None, *, caller="key-1", idempotency_key=None, contact=None):
        """Accept one launch and return its record."""
        order = launches.Order(
            launch_id=launches.new_launch_id(self.clock.now_us), batch_id=self.batch_id, caller=caller,
            make=lambda number: _row(number, contact, idempotency_key), idempotency_key=idempotency_key,
            fingerprint="f", route="crm", callback_url=callback_url,
        )  # fmt: skip
        return launches.append(self.store, [order])[0].launch

    async def take(self, ask, caller):
        """Launch as the gateway's own launcher does, without flows: what `Hooks` needs of it."""
        order = launches.Order(
            launch_id=launches.new_launch_id(self.clock.now_us), batch_id=self.batch_id, make=_row,
            caller=caller.key_id, idempotency_key=ask.key, fingerprint=ask.fingerprint(), route=ask.route,
            callback_url=ask.callback_url,
        )  # fmt: skip
        self.asked.append(ask)
        if self.refusal is not None:
            raise self.refusal
        return launches.append(self.store, [order])[0]

    def launched(self):
        """How many launches there are."""
        return self.ledger.batch(self.batch_id).last_number

    def end(
        self, launch, event=Event.COMPLETED, *, outputs=b'{"Flow.done":true}', message="", reason="", execution_id=None
    ):
        """Launch the row and end it."""
        worker = self.ledger.start_work(self.batch_id)
        chunk = self.ledger.take_chunk(worker, 100)
        row = next(row for row in chunk.rows if row.row_id == launch.row_id)
        self.ledger.give_back(worker, [one for one in chunk.rows if one is not row])
        self.ledger.commit(worker, intents=[row])
        execution_id = execution_id or f"execution-{launch.row_id}-{row.attempts}"
        accepted = row.outcome(Event.ACCEPTED, execution_id=execution_id, look_at_us=self.clock.now_us)
        self.ledger.commit(worker, results=[accepted])
        self.ledger.stop_work(worker)
        result = Result(
            row_id=launch.row_id, execution_id=execution_id, event=event, status="COMPLETED", outputs=outputs,
            error_code="broken" if message else "", error_message=message, ended_us=self.clock.now_us, reason=reason,
        )  # fmt: skip
        self.ledger.record_results(self.batch_id, [result])
        return launch

    def retry(self, launch):
        self.ledger.retry(self.batch_id, RowFilter(numbers=(place_of(launch.row_id)[1],)), by="test")

    def callbacks(self, *allow, hosts=(), masters=MASTERS, chance=0.5, **how):
        """An outbox whose rules allow these origins and networks."""
        sender = Sender(read_rules(allow, hosts), **how)
        return Callbacks(self.store, sender, masters, chance=lambda: chance)

    def close(self):
        self.ledger.close()


def _row(number, contact=None, key=None):
    prepared = Prepared(
        row_number=number, line=number, key=key or f"row-{number}", input_data={"Flow.x": contact or "1"},
        contact=contact, name=None, token=f"token-{number}",
    )  # fmt: skip
    return RowPlan(
        row_number=number, line=number, decision=Decision(kind="launch", reason="ready", message=""), prepared=prepared
    )


class Receiver:
    """A server on loopback that keeps what it is sent and answers as told.

    `answers` are bytes to send one request after the other, the last one again and again; None: never answer.
    """

    def __init__(self, *answers, tls=None, host="127.0.0.1"):
        self.answers = list(answers) or [b"HTTP/1.1 204 No Content\r\n\r\n"]
        self.requests = []
        self.got_one = asyncio.Event()
        self._tls, self._host = tls, host
        self._open = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, self._host, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.origin = f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"
        return self

    async def __aexit__(self, *_failure):
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in self._open), return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        self._open.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.requests.append((first, headers, body))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self.got_one.set()
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
                writer.close()
                await writer.wait_closed()


def answer(status, *headers, body=b""):
    """An answer's bytes."""
    lines = [f"HTTP/1.1 {status} Said", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
