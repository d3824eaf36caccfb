"""Tokens kept in a file between runs."""

import json
import logging
import os
from pathlib import Path

import pytest
from scripted_server import answer, refusal, token

from flowlaunch import AccessToken, AuthorizationCode, Pkce, RefreshToken, Saml2Bearer
from flowlaunch._core.steps import Moment
from flowlaunch._core.tokens import Held
from flowlaunch._io.token_cache import TokenCache

ME = answer(body={"organization": {"name": "Org"}})


@pytest.fixture
def path(tmp_path):
    """A place for the file, in a folder that does not exist yet."""
    return tmp_path / "deep" / "tokens.json"


def whoami(connect, server, path, **more):
    """Ask who the token speaks for, with a client of its own."""
    return connect(server.url, token_cache=path, **more).call("whoami")


def test_the_next_client_signs_in_no_more(connect, scripted, path):
    """A second client with the same credentials takes its token from the file, which only its owner can read."""
    server = scripted(me=[ME])

    whoami(connect, server, path)
    whoami(connect, server, path)

    assert server.sign_ins == 1
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"
    assert "s3cret-value" not in path.read_text()


def test_another_secret_or_host_is_another_entry(connect, scripted, path):
    """A changed secret, client or login host does not find the token of another; entries live side by side."""
    server, other = scripted(me=[ME]), scripted(me=[ME])

    whoami(connect, server, path)
    whoami(connect, server, path, client_secret="another-secret")
    whoami(connect, server, path, client_id="other-id")
    whoami(connect, other, path)
    whoami(connect, server, path)

    assert (server.sign_ins, other.sign_ins) == (3, 1)
    assert len(json.loads(path.read_text())) == 4


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_not_believed(connect, scripted, path, mode, caplog):
    """A file with wider rights costs a sign-in, is told of, and is written anew with narrow ones."""
    server = scripted(me=[ME])
    whoami(connect, server, path)
    path.chmod(mode)

    with caplog.at_level(logging.WARNING, "flowlaunch.client"):
        whoami(connect, server, path)

    assert server.sign_ins == 2
    assert "can be read by others" in caplog.text
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"KEY": 5}',
        b'{"KEY": {}}',
        b'{"KEY": {"access_token": "t"}}',
        b'{"KEY": {"access_token": null, "expires_unix_s": 9e12, "renew_unix_s": 9e12}}',
        b'{"KEY": {"access_token": "", "expires_unix_s": 9e12, "renew_unix_s": 9e12}}',
        b'{"KEY": {"access_token": "t", "expires_unix_s": "x", "renew_unix_s": []}}',
        b'{"KEY": {"access_token": "t", "expires_unix_s": 1' + b"0" * 400 + b', "renew_unix_s": 1' + b"0" * 400 + b"}}",
        b'{"KEY": {"access_token": "t", "expires_unix_s": NaN, "renew_unix_s": NaN}}',
        b'{"KEY": {"access_token": "t\\r\\nx: y", "expires_unix_s": 9e12, "renew_unix_s": 9e12}}',
        b'{"KEY": {"access_token": "t", "expires_unix_s": 5, "renew_unix_s": 5}}',
    ],
    ids=range(16),
)
def test_a_spoilt_file_costs_a_sign_in_and_nothing_else(connect, scripted, path, content):
    """Whatever stands in the file, the client signs in and writes it anew."""
    server = scripted(me=[ME])
    whoami(connect, server, path)
    (key,) = json.loads(path.read_text())
    path.write_bytes(content.replace(b"KEY", key.encode()))

    whoami(connect, server, path)

    assert server.sign_ins == 2
    assert json.loads(path.read_text())[key]["access_token"] == "tok-1"


def test_a_kept_token_that_is_refused_is_renewed_and_replaced(connect, scripted, path):
    """A token that was revoked between runs costs one 401 and one sign-in; the file then has the new one."""
    server = scripted(token=[token("tok-1"), token("tok-2")], me=[ME, refusal(401), ME])
    whoami(connect, server, path)

    whoami(connect, server, path)

    assert server.sign_ins == 2
    assert "tok-2" in path.read_text()


def test_a_folder_that_cannot_be_written_costs_nothing(connect, scripted, tmp_path, caplog):
    """When the file cannot be written the call succeeds all the same, and the log says why."""
    (tmp_path / "file").write_text("in the way")
    server = scripted(me=[ME])

    with caplog.at_level(logging.WARNING, "flowlaunch.client"):
        assert whoami(connect, server, tmp_path / "file" / "tokens.json").organization_name == "Org"

    assert "could not be written" in caplog.text


def kept(path, credentials, login_url="https://login.example"):
    """Keep a token for `credentials`."""
    now = Moment(0.0, 1_000.0)
    TokenCache(path, credentials, login_url).save(Held("tok-1", 1, 500.0, 1_600.0, "r-1"), now)


def found(path, credentials, unix_s=1_000.0):
    """Return the token kept for `credentials`."""
    return TokenCache(path, credentials, "https://login.example").load(Moment(70.0, unix_s))


def test_a_kept_token_keeps_its_life_and_refresh_token(path):
    """Renewal and expiry are wall-clock instants in the file, whatever the monotonic clock says."""
    credentials = RefreshToken("id", "", "r-0")
    kept(path, credentials)

    held = found(path, credentials, 1_100.0)

    assert (held.token, held.refresh_token, held.generation) == ("tok-1", "r-1", 1)
    assert (held.renew_at_s, held.expires_unix_s) == (70.0 + 400.0, 1_600.0)


@pytest.mark.parametrize(("unix_s", "is_kept"), [(1_499.0, True), (1_500.0, False), (2_000.0, False)])
def test_a_token_about_to_expire_is_not_taken(path, unix_s, is_kept):
    """From the instant of its renewal on, a kept token is no longer used."""
    credentials = RefreshToken("id", "", "r-0")
    kept(path, credentials)

    assert (found(path, credentials, unix_s) is not None) == is_kept


def test_expired_tokens_of_others_are_dropped_when_writing(path):
    """The file does not grow for ever."""
    kept(path, RefreshToken("old", "", "r"))

    late = Moment(0.0, 9_999.0)
    TokenCache(path, RefreshToken("new", "", "r"), "https://x").save(Held("t", 1, 500.0, 19_999.0), late)

    assert len(json.loads(path.read_text())) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (AuthorizationCode("id", "s", "code-a", "u"), AuthorizationCode("id", "s", "code-b", "u")),
        (Pkce("id", "code-a", "v", "u"), Pkce("id", "code-b", "v2", "u")),
        (RefreshToken("id", "s", "r-a"), RefreshToken("id", "s", "r-b")),
    ],
    ids=lambda one: type(one).__name__,
)
def test_one_person_never_gets_the_token_of_another(path, one, other):
    """What signs in a person is kept under that person's code or refresh token, not under the client alone."""
    kept(path, one)

    assert found(path, one) is not None
    assert found(path, other) is None


@pytest.mark.parametrize("credentials", [AccessToken("t"), Saml2Bearer("id", "s", "org", "a")])
def test_given_tokens_and_assertions_are_not_kept(path, credentials):
    """A given token needs no file, and an assertion stands for a person and a moment."""
    kept(path, credentials)

    assert not path.exists()
    assert found(path, credentials) is None


def test_no_half_written_file_is_left(path, monkeypatch):
    """When writing fails midway, no temporary file with a token stays behind."""
    path.parent.mkdir()

    replace = os.replace

    def fail(source, target):
        if Path(target) != path:  # another thread's file
            return replace(source, target)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    kept(path, RefreshToken("id", "", "r"))

    assert list(path.parent.iterdir()) == []
