"""The program with less patience for a silent database, for tests that cannot wait as long as an operator can."""

import sys

from flowlaunch.batch import runner
from flowlaunch.batch.ledger import outage, vigil
from flowlaunch.batch.ledger.postgres import ARGUMENTS, PostgresDatabase
from flowlaunch.cli.main import main

if __name__ == "__main__":
    PostgresDatabase.__init__.__kwdefaults__["patience_s"] = 2.0
    ARGUMENTS["connect_timeout"] = 2
    vigil.Vigil.__init__.__kwdefaults__.update(patience_s=3.0, leave_s=1.5, look_s=0.25)
    vigil.ASK_S, outage.LEAVE_S = 0.5, 2.0
    runner.STORAGE_FIRST_S = 0.05
    sys.exit(main())
