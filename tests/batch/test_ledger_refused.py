"""A database server that answers and lets nobody in is told apart from one that does not answer."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import make_url

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.ledger.faults import CHECK_WHERE, CHECK_WHO, refused
from flowlaunch.batch.stop import Stop
from flowlaunch.batch.workers.process import work
from flowlaunch.errors import LedgerError, LedgerUnreachableError

MISTAKES = {
    "password": ({"password": "wrong"}, "password authentication failed", CHECK_WHO),
    "user": ({"username": "stranger"}, "password authentication failed", CHECK_WHO),
    "database": ({"database": "nowhere"}, "does not exist", CHECK_WHERE),
}


def mistaken(url: str, change: dict[str, str]) -> str:
    return make_url(url).set(**change).render_as_string(hide_password=False)


@pytest.mark.parametrize(("change", "said", "hint"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_wrong_way_in_is_not_called_unreachable(postgres_ledger_url, change, said, hint):
    """A wrong password, user or database says so, with what to check, and not that the server does not answer."""
    with pytest.raises(LedgerError, match=said) as found:
        open_ledger(mistaken(postgres_ledger_url, change))

    assert (found.value.code, found.value.hint) == ("ledger-refused", hint)
    assert not isinstance(found.value, LedgerUnreachableError)


def test_a_worker_ends_at_once_where_it_is_not_let_in(postgres_ledger_url):
    """A worker with a wrong password ends at its start, rather than wait for a server that is there."""
    place = mistaken(postgres_ledger_url, {"password": "wrong"})
    with pytest.raises(LedgerError) as found:
        asyncio.run(work(place, {"default": None}, Stop()))
    assert found.value.code == "ledger-refused"


def test_a_server_that_does_not_answer_is_unreachable():
    """Where nothing listens the error says that trying again is right."""
    with pytest.raises(LedgerUnreachableError) as found:
        open_ledger("postgresql://owner@127.0.0.1:1/flowlaunch")
    assert found.value.hint == LedgerUnreachableError.default_hint


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "u", database "d", no encryption', CHECK_WHO),
        ('FATAL:  role "night" is not permitted to log in', CHECK_WHO),
        ("fe_sendauth: no password supplied", CHECK_WHO),
        ("FATAL:  no such database: ledger", CHECK_WHERE),
        ("FATAL:  the database system is starting up", None),
        ("FATAL:  sorry, too many clients already", None),
    ],
)
def test_what_servers_say_is_told_apart(said, hint):
    """Refusals of the server and of its pooler are known by their words; one that starts or is full is waited for."""
    error = refused(LedgerUnreachableError(f"reach db: {said}"))
    assert (error and error.hint) == hint
