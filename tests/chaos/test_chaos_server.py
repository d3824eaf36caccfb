"""The suite's database server can be struck in any way and goes on."""

import os
import signal
import time

from postgres_server import bring_up

PATIENCE_S = 20.0


def test_a_server_that_broke_down_by_itself_can_be_stopped_and_started_again():
    """As after a full disk: stopping what has ended already leaves no process behind and is no error."""
    server = bring_up()
    try:
        before = server.pid
        os.kill(before, signal.SIGQUIT)
        ends_s = time.monotonic() + PATIENCE_S
        while (server.folder / "data" / "postmaster.pid").exists():
            assert time.monotonic() < ends_s, "the server did not end"
            time.sleep(0.01)
        server.stop(signal.SIGQUIT)
        server.start()
        assert server.admin("SELECT 1") == [(1,)]
        assert server.pid != before
    finally:
        server.close()
