"""The program with less patience for a silent database, for tests that cannot wait as long as an operator can."""

import sys

from flowlaunch.batch.ledger import outage, vigil
from flowlaunch.batch.ledger.postgres import ARGUMENTS, PostgresDatabase
from flowlaunch.cli.main import main

if __name__ == "__main__":
    PostgresDatabase.__init__.__kwdefaults__["patience_s"] = 2.0
    ARGUMENTS["connect_timeout"] = 2
    vigil.Vigil.__init__.__kwdefaults__.update(patience_s=4.0, leave_s=2.0, look_s=0.25)
    vigil.ASK_S, outage.LEAVE_S = 0.5, 2.0
    sys.exit(main())
