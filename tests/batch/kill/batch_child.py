"""A process that forks children which run a small batch and kill themselves at a numbered point.

Orders come as JSON lines on standard input: {"ledger", "url", "prefix", "rows", "kill_at", "epoch_s", "speed"}; each is
answered with {"signal", "points"}. Forking a process that has everything loaded makes a run last a tenth of a second.
"""

import asyncio
import json
import os
import signal
import sys
import time

from flowlaunch import AsyncClient
from flowlaunch._core.steps import Moment
from flowlaunch._io.connection import Connection
from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, open_ledger
from flowlaunch.batch.work import WorkOptions, work_on

ORDER_FLOW = "f0000000-0000-4000-8000-000000000001"
CONCURRENCY = 3


class FastClock:
    """A clock on which a real second is many; the same one for every process of a trial."""

    def __init__(self, epoch_s, speed):
        self._epoch_s, self._speed = epoch_s, speed

    def now(self):
        return Moment(time.monotonic() * self._speed, self._epoch_s + (time.time() - self._epoch_s) * self._speed)

    async def sleep(self, seconds):
        await asyncio.sleep(seconds / self._speed)

    async def wait(self, event, seconds):
        try:
            async with asyncio.timeout(seconds / self._speed):
                await event.wait()
        except TimeoutError:
            return


class Points:
    """Counts writes and sends, and ends the process at the one that was ordered."""

    def __init__(self, kill_at, report):
        self.seen, self._kill_at, self._report = 0, kill_at, report

    def pass_by(self, place):
        self.seen += 1
        if self.seen == self._kill_at:
            os.write(self._report, f"{self.seen} {place}".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def watch_sends(self):
        exchange, settle = Connection.exchange, Connection._settle

        async def watched(connection, head, body, ends_s):
            what = head.split(b" ", 2)[0].decode()
            self.pass_by(f"before-send:{what}")
            write = connection.transport.write

            def writes(data):
                write(data)
                self.pass_by(f"after-send:{what}")

            task = asyncio.ensure_future(exchange(Tapped(connection, writes), head, body, ends_s))
            return await task

        def settles(connection, reply):
            self.pass_by("answered")
            settle(connection, reply)

        Connection.exchange, Connection._settle = watched, settles


class Tapped:
    """A connection whose transport tells of each write."""

    def __init__(self, connection, writes):
        object.__setattr__(self, "_connection", connection)
        object.__setattr__(self, "_writes", writes)

    def __getattr__(self, name):
        if name == "transport":
            return TappedTransport(self._connection.transport, self._writes)
        return getattr(self._connection, name)

    def __setattr__(self, name, value):
        setattr(self._connection, name, value)


class TappedTransport:
    def __init__(self, transport, write):
        self._transport, self.write = transport, write

    def __getattr__(self, name):
        return getattr(self._transport, name)


def plans(order):
    for number in range(1, order["rows"] + 1):
        data = {"Flow.customerName": "Ada", "Flow.orderId": f"{order['prefix']}-{number}"}
        prepared = Prepared(row_number=number, line=number + 1, key=f"k{number}", input_data=data, token=f"t{number}")
        decision = Decision(kind="launch", reason="ready")
        yield RowPlan(row_number=number, line=number + 1, decision=decision, prepared=prepared)


async def run(order, points):
    clock = FastClock(order["epoch_s"], order["speed"])
    options = WorkOptions(pace_per_minute=6_000.0, concurrency=CONCURRENCY, ramp=("1", "all"), max_failed=None,
                          max_in_doubt=None)  # fmt: skip
    with open_ledger(order["ledger"], clock=clock, boundary=points.pass_by) as ledger:
        held = ledger.batches()
        if held:
            batch_id = held[0].batch_id
        else:
            batch_id = ledger.create_batch(BatchSpec(source="kill", flow_id=ORDER_FLOW, flow_version="1.0"))
        if ledger.batch(batch_id).loaded_us is None:
            ledger.add_rows(batch_id, plans(order))
            ledger.finish_loading(batch_id)
        async with AsyncClient(order["url"], client_id="demo", client_secret="demo-secret") as client:
            outcome = await work_on(ledger, batch_id, options, client=client, clock=clock)
    if outcome.ended != "finished":
        raise SystemExit(f"ended {outcome.ended}: {outcome.reason}")


def in_child(order, report):
    points = Points(order["kill_at"], report)
    points.watch_sends()
    try:
        asyncio.run(run(order, points))
    except BaseException:  # noqa: BLE001 - the parent must hear of it, whatever it is
        import traceback

        os.write(report, traceback.format_exc()[-3000:].encode())
        os._exit(1)
    os.write(report, f"{points.seen} end".encode())
    os._exit(0)


def main():
    for line in sys.stdin:
        order = json.loads(line)
        if order["prefix"] == "warm":  # what this run loads and compiles, the forked ones have
            asyncio.run(run(order, Points(0, 1)))
            print(json.dumps({"signal": 0, "code": 0, "told": "warm"}), flush=True)  # noqa: T201 - the answer
            continue
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            in_child(order, writing)
        os.close(writing)
        _, status = os.waitpid(pid, 0)
        told = b""
        while part := os.read(reading, 65_536):
            told += part
        os.close(reading)
        ended = {"signal": status & 0x7F, "code": status >> 8, "told": told.decode()}
        print(json.dumps(ended), flush=True)  # noqa: T201 - the answer


main()
