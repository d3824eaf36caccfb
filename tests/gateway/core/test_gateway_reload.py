"""A routes file that changes while the gateway runs: in force whole or not at all, and always read again."""

import threading

import pytest
from gateway_world import gateway

from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.errors import LedgerBusyError, SettingsError
from flowlaunch.gateway.routing.book import RouteBook

ONE = '[routes.one]\nflow = "Order follow-up"\n'
TWO = ONE + '[routes.two]\nflow = "Order follow-up"\n'
HOOK = '[hooks.shop]\nscheme = "none-such"\nroute = "one"\n'


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "routes.toml"
    made.write_text(ONE)
    return made


@pytest.fixture
def book(file):
    return RouteBook(file, SystemAsyncClock())


def until(is_so):
    """Return once what watches the file has seen it: it looks once a second."""
    pause = threading.Event()
    for _ in range(1_200):
        if is_so():
            return
        pause.wait(0.05)
    raise AssertionError("the file was not taken")


@pytest.mark.parametrize(
    "text",
    ["a=" + "[" * 5_000 + "]" * 5_000, "a=" + "1" * 5_000, "\udcff", "[routes.one]\nflow=" + "[" * 300 + "]" * 300],
    ids=["nested", "long-number", "no-text", "nested-flow"],
)
def test_whatever_is_in_the_file_is_a_mistake_that_is_told(file, book, text):
    """Text that the reader of TOML itself stumbles over leaves the routes as they are and is told."""
    file.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert not book.reload()
    assert book.trouble
    assert list(book.current.by_name) == ["one"]
    with pytest.raises(SettingsError):
        RouteBook(file, SystemAsyncClock())


def test_a_good_file_after_a_terrible_one_is_taken(shared_sandbox, tmp_path, file):
    """A gateway that met a file that nobody can read goes on watching it."""
    with gateway(shared_sandbox, tmp_path, routes_file=file) as door:
        book = door.state.routes
        book.on_change(_fail_at("bad"))
        file.write_text("a=" + "[" * 5_000 + "]" * 5_000)
        until(lambda: "nested" in book.trouble)
        file.write_text(ONE.replace("one", "bad"))
        until(lambda: "log" in book.trouble)
        file.write_text(TWO)
        until(lambda: "two" in book.current.by_name)
        assert book.trouble == ""


def _fail_at(name):
    def prepare(routes):
        if name in routes.by_name:
            raise ZeroDivisionError
        return lambda: None

    return prepare


def test_routes_that_anybody_refuses_change_nothing(file, book):
    """Everybody is asked about the new routes before anything follows them."""
    followed = []

    def refuses(_routes):
        raise SettingsError("webhook shop: no such scheme", code="webhook", hint="")

    book.on_change(lambda routes: lambda: followed.append(routes))
    book.on_change(refuses)
    file.write_text(TWO)

    assert not book.reload()
    assert (followed, book.trouble) == ([], "webhook shop: no such scheme")
    assert list(book.current.by_name) == ["one"]


def test_a_wrong_webhook_leaves_the_priorities_alone(shared_sandbox, tmp_path, file):
    """A file that is refused for its webhook does not change the shares of the routes either."""
    with gateway(shared_sandbox, tmp_path, routes_file=file) as door:
        assert door.launch({"customerName": "E", "orderId": "1"}, flow=None, route="one", wait_s=50).status == 200
        (batch_id,) = (batch.batch_id for batch in door.state.ledger.batches())
        file.write_text(ONE + "priority = 9\n" + HOOK)
        until(lambda: door.state.routes.trouble)
        assert door.state.ledger.controls(batch_id).priority == 10


def test_what_follows_the_routes_is_tried_again(file, book):
    """When the ledger cannot be written just now, the new routes are in force, and the rest follows once it can."""
    tries = []

    def follow():
        tries.append(1)
        if len(tries) < 3:
            raise LedgerBusyError("change controls: the ledger is busy")

    book.on_change(lambda _routes: follow)
    file.write_text(TWO)

    assert not book.reload()
    assert list(book.current.by_name) == ["one", "two"]
    assert "the ledger is busy" in book.trouble
    assert [book._follow_up(), book._follow_up(), book._follow_up()] == [False, True, True]
    assert (len(tries), book.trouble) == (3, "")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("map = {customerName = 'jmespath:[['}", "customerName"),
        ("map = {customerName = 'jmespath:" + "[" * 3_000 + "'}", "nested too deeply"),
        ("set = {customerName = '{a'}", "mapping-template|has no name in it"),
        ("row = {key = '{'}", "has no name in it"),
        ("row = {name = 'order {}'}", "has no name in it"),
        ("map = {orderId = 'a'}\nset = {orderId = 'b'}", "both mapped and set"),
    ],
    ids=["expression", "nested", "template", "key", "name", "both"],
)
def test_a_mapping_that_cannot_be_read_is_a_mistake_of_the_file(file, book, wrong, told):
    """Expressions and templates are tried when the file is read: what no launch could use does not come into force."""
    file.write_text(ONE + wrong + "\n")

    assert not book.reload()
    assert any(part in book.trouble for part in told.split("|")), book.trouble
    assert book.current.by_name["one"].mapping is None


def test_a_mapping_may_read_json_in_a_member(shared_sandbox, tmp_path, file):
    """`json_columns` names members whose text is JSON, for expressions to look into."""
    mapping = "map = {customerName = 'jmespath:who.name'}\nvalues = {json_columns = ['who']}\n"
    file.write_text(ONE + mapping)
    with gateway(shared_sandbox, tmp_path, routes_file=file) as door:
        made = door.launch({"who": '{"name": "Ann"}', "orderId": "1"}, flow=None, route="one", wait_s=50)
    assert (made.status, made.json.get("input")) == (200, {"Flow.customerName": "Ann", "Flow.orderId": "1"}), made.raw


MISFITS = """
[routes.gone]
flow = "No such flow"
[routes.token]
flow = "Order follow-up"
token_input = "nowhere"
[routes.strange]
flow = "Order follow-up"
map = {custmerName = "who"}
[routes.version]
flow = "Order follow-up"
version = "99.0"
[routes.fine]
flow = "Order follow-up"
token_input = "orderId"
"""


def test_routes_that_do_not_fit_their_flows_are_told(shared_sandbox, tmp_path, file):
    """Flows, versions and inputs that are not there are the route's trouble, found without any launch."""
    file.write_text(ONE)
    with gateway(shared_sandbox, tmp_path, routes_file=file) as door:
        file.write_text(MISFITS)
        book = door.state.routes
        until(lambda: len(book.unfit) == 4)
        told = {one["name"]: one["trouble"] for one in door.call("GET", "/v1/routes").json["routes"]}
        assert {name for name, trouble in told.items() if trouble} == {"gone", "token", "strange", "version"}
        assert "custmerName" in told["strange"]
        assert "flowlaunch_routes_unfit 4" in door.call("GET", "/metrics").raw.decode()
        file.write_text(ONE)
        until(lambda: not book.unfit)


def test_each_reading_of_the_file_leaves_its_traces(shared_sandbox, tmp_path, file, caplog):
    """A file that is taken is in the log and in the audit log with what changed; one that is refused is a warning."""
    caplog.set_level("INFO", "flowlaunch.gateway.routes")
    with gateway(shared_sandbox, tmp_path, routes_file=file) as door:
        file.write_text(TWO + "priority = 7\n")
        until(lambda: "two" in door.state.routes.current.by_name)
        until(lambda: door.call("GET", "/v1/audit?what=routes.reload").json["lines"])
        (line,) = door.call("GET", "/v1/audit?what=routes.reload").json["lines"]
        file.write_text("[routes")
        until(lambda: door.state.routes.trouble)
        metrics = door.call("GET", "/metrics").raw.decode()
        ready = door.call("GET", "/readyz")

    assert line["facts"] == {"added": ["two"]}
    assert ("INFO", "the routes file was taken: added two") in [(one.levelname, one.message) for one in caplog.records]
    assert "WARNING" in [one.levelname for one in caplog.records]
    assert "flowlaunch_routes_file_in_force 0" in metrics
    assert (ready.status, "not in force" in ready.json["checks"][-1]["says"]) == (200, True)
