"""A second database server that follows the first and can take its place, as after a failover."""

import time

from postgres_server import PostgresServer

IN_STEP_WITHIN_S = 60.0
LOOK_S = 0.05
IN_STEP = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND flush_lsn >= '{}'"


class Standby(PostgresServer):
    """A copy of a server that has every commit of it: the primary waits for it before it says yes to one."""

    def __init__(self, primary):
        self._primary = primary
        super().__init__(primary.installation)
        self._password = primary.password
        primary.admin("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.admin("SELECT pg_reload_conf()")
        self._until_in_step(primary)

    def _make(self):
        """Copy the primary instead of making a new cluster."""
        self._own()
        self._run([self._bin / "pg_basebackup", "-h", self._primary.folder / "socket", "-p", self._primary.port, "-U",
                   "postgres", "-D", self.folder / "data", "-R", "-X", "stream", "--checkpoint=fast",
                   "--no-sync"])  # fmt: skip
        self._run(["mkdir", self.folder / "socket"])

    def _until_in_step(self, primary):
        """Wait until no commit of the primary is only its own."""
        ends_s = time.monotonic() + IN_STEP_WITHIN_S
        place = primary.admin("SELECT pg_current_wal_flush_lsn()")[0][0]
        while not primary.admin(IN_STEP.format(place))[0][0]:
            assert time.monotonic() < ends_s, f"the standby is not in step: {self.log_end()}"
            time.sleep(LOOK_S)

    def take_over(self, **settings):
        """Be the primary, at the address of the one before, which must have ended."""
        self.admin("SELECT pg_promote()")
        self.admin("ALTER SYSTEM RESET synchronous_standby_names")  # nobody follows this one yet
        self.stop()
        self.port = self._primary.port
        self.start(**settings)
