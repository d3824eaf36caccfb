"""A process that runs one batch to its end: LEDGER SOURCE URL OPTIONS, the last as JSON.

It goes on with the batch that the ledger holds. Prints how it ended as one JSON line.
"""

import asyncio
import json
import sys
from pathlib import Path

from flowlaunch import AsyncClient
from flowlaunch.batch import BatchJob, Stop, run_batch
from flowlaunch.batch.outside import run_outside
from flowlaunch.errors import LedgerBusyError

LEDGER, SOURCE, URL, OPTIONS = sys.argv[1:]
FLOW = "Order follow-up"


async def main(stop):
    job = BatchJob(source=Path(SOURCE), flow=FLOW, ledger=Path(LEDGER), **json.loads(OPTIONS))
    async with AsyncClient(URL, client_id="demo", client_secret="demo-secret") as client:
        while True:
            try:
                return await run_batch(job, client=client, stop=stop)
            except LedgerBusyError:  # the one that was killed is not gone yet
                await asyncio.sleep(0.05)


stop = Stop()
outcome = run_outside(main(stop), stop)
sys.stdout.write(json.dumps({"ended": outcome.ended, "reason": outcome.reason, "counts": outcome.counts}))
