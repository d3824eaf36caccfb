"""The secrets that sign callbacks: where they come from, and that each app has its own."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from flowlaunch.errors import InputError, SettingsError
from flowlaunch.gateway.callbacks.masters import ENVIRONMENT, Masters, master_file, read_masters
from flowlaunch.gateway.references import read_secret

LONG = "a master secret that is long enough to be one"


def test_each_key_has_a_secret_of_its_own():
    """No app's secret tells another's, and a key's stays the same over restarts."""
    masters = Masters((LONG.encode(),))
    secrets = {masters.secrets_of(key_id) for key_id in ("a", "b", "hook:a", "")}
    assert len(secrets) == 4
    assert masters.secrets_of("a") == Masters((LONG.encode(),)).secrets_of("a")
    assert all(one[0].startswith("whsec_") and len(one[0]) == 50 for one in secrets)
    assert LONG not in repr(masters)


def test_a_gateway_without_settings_makes_its_own_secret(tmp_path):
    """Beside a ledger file a secret is made once, for its owner alone, and found again."""
    first = read_masters((), {}, tmp_path / "gateway.ledger")
    path = master_file(tmp_path / "gateway.ledger")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_masters((), {}, tmp_path / "gateway.ledger").secrets_of("a") == first.secrets_of("a")
    assert list(tmp_path.iterdir()) == [path]


def test_two_gateways_that_start_at_once_make_one_secret(tmp_path):
    """However many processes start on a fresh ledger, they sign with one secret."""
    with ThreadPoolExecutor(8) as threads:
        made = threads.map(lambda _: read_masters((), {}, tmp_path / "g").secrets_of("a"), range(16))
    assert len(set(made)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["g.callback-secret"]


def test_secrets_come_from_the_environment_or_from_references(tmp_path):
    """The variable holds several secrets by commas; references name variables and files; the newest is the first."""
    (tmp_path / "secret").write_text(f"{LONG} in a file\n", "utf-8")
    by_variable = read_masters((), {ENVIRONMENT: f"{LONG} new, {LONG}"}, None)
    assert len(by_variable.secrets_of("a")) == 2
    named = read_masters(["env:MINE", f"file:{tmp_path / 'secret'}"], {"MINE": LONG, ENVIRONMENT: "ignored"}, None)
    assert named.secrets == (LONG.encode(), f"{LONG} in a file".encode())


def test_a_ledger_in_a_database_needs_a_secret_from_outside():
    """Without a folder and without a setting there is no secret, and callbacks are refused with what to do."""
    assert read_masters((), {}, None) is None


@pytest.mark.parametrize("environment", [{ENVIRONMENT: "short"}, {ENVIRONMENT: f"{LONG},short"}])
def test_a_short_secret_is_refused_and_not_shown(environment):
    """A secret that could be guessed stops the gateway from starting; the message does not repeat it."""
    with pytest.raises(SettingsError) as refused:
        read_masters((), environment, None)
    assert "short" not in str(refused.value)


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("sk_live_9f8e7d", "secret-reference"),
        ("whsec_abc", "secret-reference"),
        ("vault:x", "secret-reference"),
        ("env:", "secret-reference"),
        ("env:NOWHERE", "secret-missing"),
        ("file:no/such/file", "secret-missing"),
        ("keyring:nobody", "secret-missing"),
    ],
)
def test_a_secret_written_down_by_mistake_is_not_repeated(reference, code):
    """What is no reference may be the secret itself: it is refused without being shown."""
    with pytest.raises(SettingsError) as refused:
        read_secret(reference, {}, "the secret of a test")
    assert refused.value.code == code
    if code == "secret-reference":
        assert reference not in str(refused.value) or reference == "env:"


def test_without_a_secret_no_callback_is_promised(door):
    """A gateway that cannot sign refuses launches with a callback, instead of telling nobody later."""
    outbox = door.callbacks("http://127.0.0.1:9", masters=None)
    with pytest.raises(InputError) as refused:
        outbox.check("http://127.0.0.1:9/x")
    assert refused.value.code == "callbacks-off"
