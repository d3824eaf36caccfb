"""What the package offers: the same in both clients, pinned, and loaded only when used."""

import inspect
import json
import re
import subprocess
import sys

import pytest

import flowlaunch

NAMES = """
REGIONS AccessToken ApiError AsyncClient AuthenticationError AuthorizationCode CheckReport Client ClientCredentials
ConflictError Credentials DeadlineError DecodeError Division Event Execution ExecutionError ExecutionFailedError Flow
FlowError FlowInput FlowInputs FlowLookupError FlowVersion FlowlaunchError Identity InputError InvalidRequestError
Launch LaunchInDoubtError Limit NotFoundError NotSentError PermissionDeniedError Pkce PreflightError Preview Problem
RateLimitedError RefreshToken ReplyLostError Saml2Bearer ServerError Settings SettingsError TransportError __version__
authorize load_settings resolve_region Erasure forget_contact BatchHandle BatchJob BatchOutcome BatchStatus
MappingSpec PlanReport ReadOptions ReconcileReport RowEvidence RunEvent Stop plan_batch plan_batch_sync
reconcile_batch reconcile_sync resume_batch resume_batch_sync run_batch run_batch_sync LedgerMovedError
LedgerUnreachableError LedgerBusyError LedgerError LedgerFencedError LedgerFullError LedgerMismatchError
LedgerTooNewError
"""
PUBLIC = NAMES.split()
METHOD_NAMES = """
check close count_executions execute_shared find_flow find_instances flow_inputs flows from_settings launch limits
preview run status wait whoami
"""
METHODS = METHOD_NAMES.split()
ASYNC_WORDS = {
    "AsyncIterator": "Iterator",
    "AsyncClock": "Clock",
    "AsyncClient": "Client",
}


def test_the_public_names_are_pinned():
    """A name that comes or goes is a decision: __all__ holds these and no others."""
    assert sorted(flowlaunch.__all__) == sorted(PUBLIC)
    assert len(set(flowlaunch.__all__)) == len(flowlaunch.__all__)
    assert dir(flowlaunch) == sorted(flowlaunch.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_can_be_imported(name):
    """Each name of __all__ is there."""
    assert getattr(flowlaunch, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    """A misspelt name fails as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'Klient'"):
        flowlaunch.Klient  # noqa: B018 - the access is the point


def public(cls):
    """Return the public methods of a client by name."""
    return {name: member for name, member in vars(cls).items() if not name.startswith("_")}


def signature(function):
    """Return a signature as text, with the words that differ by nature made equal."""
    text = str(inspect.signature(getattr(function, "__func__", function)))
    for word, plain in ASYNC_WORDS.items():
        text = text.replace(word, plain)
    return text


def test_both_clients_have_the_same_methods_in_the_same_order():
    """Client and AsyncClient offer the same, and this is what."""
    assert list(public(flowlaunch.Client)) == list(public(flowlaunch.AsyncClient))
    assert sorted(public(flowlaunch.Client)) == sorted(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_the_same_in_both_clients(name):
    """Signature and docstring agree; the one waits, the other is awaited."""
    sync, waited = public(flowlaunch.Client)[name], public(flowlaunch.AsyncClient)[name]

    assert signature(sync) == signature(waited)
    assert inspect.getdoc(sync) == inspect.getdoc(waited)
    assert inspect.getdoc(sync)
    if name != "from_settings":
        assert not inspect.iscoroutinefunction(sync)
        assert inspect.iscoroutinefunction(waited) or inspect.isasyncgenfunction(waited)


def test_both_constructors_take_the_same():
    """Arguments and their documentation agree, and each argument is documented."""
    sync, waited = flowlaunch.Client, flowlaunch.AsyncClient

    assert signature(sync.__init__) == signature(waited.__init__)
    assert inspect.getdoc(sync).split("\n")[1:] == inspect.getdoc(waited).split("\n")[1:]
    for name in list(inspect.signature(sync.__init__).parameters)[1:]:
        assert re.search(rf"^    {name}: ", inspect.getdoc(sync), re.MULTILINE), name


def test_a_client_prints_without_secrets(connect):
    """repr of a client and of what it is made of hides token and secret."""
    client = connect("http://127.0.0.1:1", client_secret="Zx9-secret").client

    shown = repr(client) + repr(vars(client)) + repr(vars(client._driver)) + repr(client._driver.shared)

    assert "Zx9-secret" not in shown


HEAVY = ["aiohttp", "urllib3", "httptools", "msgspec", "click", "starlette", "jsonschema_rs", "ssl", "asyncio", "rich"]
PROBE = """
import json, sys, threading
before = set(sys.modules)
import flowlaunch
{more}
print(json.dumps([sorted(set(sys.modules) - before), threading.active_count()]))
"""


def loaded(more=""):
    """Tell the modules that a fresh interpreter loads, and its threads."""
    run = subprocess.run(
        [sys.executable, "-c", PROBE.format(more=more)], check=True, capture_output=True, text=True, timeout=60
    )
    return json.loads(run.stdout)


def test_importing_does_no_work():
    """`import flowlaunch` loads none of the libraries below, and starts no thread."""
    modules, threads = loaded()

    assert not {name.partition(".")[0] for name in modules} & set(HEAVY)
    assert threads == 1


def test_each_client_loads_its_own_transport_alone():
    """Client does not load the transport for tasks, nor AsyncClient the one for threads."""
    sync, _ = loaded("flowlaunch.Client('us-east-1', access_token='t')")
    waited, threads = loaded("flowlaunch.AsyncClient('us-east-1', access_token='t')")

    assert "urllib3" in sync
    assert "httptools" not in sync
    assert "httptools" in waited
    assert "urllib3" not in waited
    assert threads == 1
    for modules in (sync, waited):
        assert not {name.partition(".")[0] for name in modules} & {"click", "starlette", "rich", "aiohttp", "requests"}


def test_every_error_is_of_one_tree():
    """Every public error is a FlowlaunchError with a code of its own."""
    errors = [getattr(flowlaunch, name) for name in PUBLIC if name.endswith("Error") and name != "ExecutionError"]
    codes = [error.default_code for error in errors]

    assert all(issubclass(error, flowlaunch.FlowlaunchError) for error in errors)
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)
