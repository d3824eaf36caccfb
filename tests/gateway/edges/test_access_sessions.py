"""Signing in to the page: one-time links, sessions that end, tokens that guard forms."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from edges_world import Door

from flowlaunch.errors import InputError
from flowlaunch.gateway.access.keys import Keys
from flowlaunch.gateway.access.sessions import Sessions
from flowlaunch.gateway.store import audit


@pytest.fixture
def sessions(door):
    return Sessions(door.store)


def test_a_link_signs_in_once(sessions):
    """A link opens one session with the scopes it was made for; the second use opens nothing."""
    token = sessions.link("ann@desk", "ann", ["operate"])
    opened = sessions.open_by_link(token)
    assert opened.session.caller.name == "ann"
    assert opened.session.caller.scopes == {"operate", "read"}
    assert sessions.find(opened.cookie) == opened.session
    assert sessions.open_by_link(token) is None


async def test_a_link_used_from_two_places_at_once_signs_in_one(tmp_path, clock):
    """Of two browsers that use a link at the same moment, on two gateways, one is signed in."""
    worlds = [Door(tmp_path, clock), Door(tmp_path, clock)]
    token = Sessions(worlds[0].store).link("x", "ann", ["read"])
    opened = await asyncio.gather(*(asyncio.to_thread(Sessions(one.store).open_by_link, token) for one in worlds))
    assert sum(one is not None for one in opened) == 1
    for one in worlds:
        one.close()


def test_a_link_ends_after_its_time(sessions, clock):
    """A link that nobody used in ten minutes opens nothing."""
    token = sessions.link("x", "ann", ["read"])
    clock.advance(600)
    assert sessions.open_by_link(token) is None


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "ä", "%00"])
def test_a_made_up_link_opens_nothing(sessions, token):
    """What is no link, or none of ours, signs nobody in."""
    assert sessions.open_by_link(token) is None
    assert sessions.find(token) is None


def test_a_session_ends_when_it_is_not_used(sessions, clock):
    """After two hours without use a session is over; use keeps it, but not beyond twelve hours."""
    idle = sessions.open_by_link(sessions.link("x", "ann", ["read"])).cookie
    clock.advance(7_199)
    assert sessions.find(idle) is not None
    clock.advance(7_201)
    assert sessions.find(idle) is None
    busy = sessions.open_by_link(sessions.link("x", "ann", ["read"])).cookie
    for _ in range(11):
        clock.advance(3_600)
        assert sessions.find(busy) is not None
    clock.advance(3_600)
    assert sessions.find(busy) is None


def test_signing_out_ends_the_session(sessions, door):
    """A session that was ended is known no more, and the audit log says so."""
    cookie = sessions.open_by_link(sessions.link("x", "ann", ["read"])).cookie
    sessions.end(cookie)
    assert sessions.find(cookie) is None
    assert [one.what for one in audit.read(door.store)] == ["session.end", "session.open", "link.create"]


def test_a_session_by_key_ends_with_the_key(sessions, door):
    """Who signed in with a key is signed out when the key is revoked."""
    issued = Keys(door.store).create("ops", ["operate"], who="x")
    assert sessions.open_by_key("flk_" + "0" * 12 + "_" + "x" * 43) is None
    opened = sessions.open_by_key(issued.key)
    assert opened.session.caller.key_id == issued.record.key_id
    assert sessions.find(opened.cookie) is not None
    Keys(door.store).revoke("ops", who="x")
    assert sessions.find(opened.cookie) is None


def test_a_forms_token_belongs_to_its_session(sessions):
    """The token that must come with a form is another one for each session, and no other is taken."""
    first, second = (sessions.open_by_link(sessions.link("x", "ann", ["read"])).session for _ in range(2))
    assert first.takes(first.csrf)
    assert not first.takes(second.csrf)
    assert not first.takes("")
    assert not first.takes("ä")


def test_neither_link_nor_cookie_nor_form_token_is_kept(sessions, door):
    """The ledger holds hashes: nobody who reads it can sign in."""
    unused = sessions.link("x", "ann", ["read"])
    opened = sessions.open_by_link(sessions.link("x", "ann", ["read"]))
    with closing(sqlite3.connect(door.path)) as raw:
        kept = "\n".join(raw.iterdump())
    assert all(secret not in kept for secret in (unused, opened.cookie, opened.session.csrf))
    assert opened.cookie not in repr(opened)
    assert opened.session.csrf not in repr(opened)


def test_old_sessions_and_links_are_swept(sessions, clock, door):
    """Sessions and links whose time is over are deleted; live ones stay."""
    old = sessions.open_by_link(sessions.link("x", "ann", ["read"])).cookie
    clock.advance(12 * 3_600)
    live = sessions.open_by_link(sessions.link("x", "ann", ["read"])).cookie
    assert sessions.sweep() == 2
    assert (sessions.find(old), sessions.find(live) is not None) == (None, True)


def test_a_link_for_nothing_is_refused(sessions):
    """A link must be for known scopes."""
    with pytest.raises(InputError):
        sessions.link("x", "ann", ["root"])
