"""The program with less patience for a database that is away, for tests that cannot wait as long as an operator can."""

import sys

from flowlaunch.batch.ledger.postgres import ARGUMENTS, PostgresDatabase
from flowlaunch.batch.workers import presence, process
from flowlaunch.cli.main import main

if __name__ == "__main__":
    PostgresDatabase.__init__.__kwdefaults__["patience_s"] = 3.0
    ARGUMENTS["connect_timeout"] = 2
    presence.AWAY_S = process.LEAVE_S = 3.0
    sys.exit(main())
