"""What is done to a database server: who may reach it, and what time it believes it is."""

from psycopg import sql

CLOCKS = {"clock_timestamp": "clock_timestamp", "now": "now", "transaction_timestamp": "now",
          "statement_timestamp": "statement_timestamp"}  # fmt: skip
"""Function -> what the server itself calls it."""
PREPARE = (
    "CREATE TABLE public.clock (off interval NOT NULL)",
    "INSERT INTO public.clock VALUES ('0')",
    "GRANT SELECT ON public.clock TO PUBLIC",
    "CREATE FUNCTION public.off() RETURNS interval LANGUAGE sql VOLATILE AS 'SELECT off FROM public.clock'",
)
REPLACE = (
    "CREATE FUNCTION pg_catalog.honest_{name}() RETURNS timestamptz LANGUAGE internal VOLATILE AS '{inside}'",
    """CREATE OR REPLACE FUNCTION pg_catalog.{name}() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT pg_catalog.honest_{name}() + public.off()'""",
)
"""One expression, so that the planner puts it in place of the call: the call itself would go to the server's own."""


def let_in(server, network, **settings):
    """Have a server listen on a network and let its machines in; return the settings to start it with from now on."""
    given = {**settings, "listen_addresses": ",".join({"127.0.0.1", network.address})}
    server.stop()
    if network.range is not None:
        with (server.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network.range} scram-sha-256\n")
    server.start(**given)
    return given


class DatabaseClock:
    """The clock of one database: every function by which SQL asks for the time is off by what a table says."""

    def __init__(self, server, database):
        self._server, self._database = server, database.rpartition("/")[2]
        for statement in PREPARE:
            self._run(statement)
        for name, inside in CLOCKS.items():
            for statement in REPLACE:
                self._run(statement.format(name=name, inside=inside))

    def jump_to(self, off_s):
        """Be off by so many seconds at once."""
        self._run(sql.SQL("UPDATE public.clock SET off = make_interval(secs => {})").format(off_s))

    def _run(self, statement):
        self._server.admin(statement, self._database)
