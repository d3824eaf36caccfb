"""`config` from the shell: sources, profiles and secrets."""

from __future__ import annotations

import io
import stat
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path


def test_config_shows_every_setting_with_its_source(command):
    """`config` without a command lists each setting, masks secrets and names the source."""
    env = {"GENESYSCLOUD_REGION": "mypurecloud.ie", "GENESYS_CLIENT_ID": "me", "GENESYS_CLIENT_SECRET": "hunter2"}
    ended = command("config", env=env)
    assert ended.code == 0
    assert "mypurecloud.ie  environment GENESYSCLOUD_REGION" in ended.out
    assert "********        environment GENESYS_CLIENT_SECRET" in ended.out
    assert "hunter2" not in ended.out + ended.err
    rows = command("config", "show", "-o", "json", env=env).data
    assert {"setting": "timeout_s", "value": "30.0", "source": "default"} in rows


def test_a_profile_is_made_and_used(command, sandbox):
    """config set, use and profiles make a profile from which a command then works."""
    assert command("config", "set", "region", sandbox.url, "--profile", "local", "--use").code == 0
    assert command("config", "set", "client_id", "demo", "--profile", "local").code == 0
    listed = command("config", "profiles", "-o", "json").data
    assert listed == [
        {
            "profile": "local",
            "region": sandbox.url,
            "client_id": "demo",
            "default": True,
            "file": command("config", "path").out.strip(),
        }
    ]
    secret = {"GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret"}
    assert command("whoami", "--query", "client", env=secret).out == "Demo\n"
    assert command("config", "unset", "client_id", "--profile", "local").code == 0
    assert command("whoami", env=secret).code == 2


def test_a_secret_is_read_from_standard_input_and_kept_from_others(shell, tmp_path):
    """config set-secret takes the secret from a pipe, keeps it in a 0600 file and warns; then no variable is needed."""
    stored = shell("config", "set-secret", stdin="demo-secret\n")
    assert stored.code == 0
    assert "warning" in stored.err
    assert "demo-secret" not in stored.out + stored.err
    path = Path(tmp_path / "secrets.toml")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert shell("whoami", "--query", "client", env={"GENESYSCLOUD_OAUTHCLIENT_SECRET": ""}).out == "Demo\n"


def test_an_empty_secret_is_not_stored(shell, tmp_path):
    """An empty standard input stores nothing and ends with 2."""
    ended = shell("config", "set-secret", stdin="")
    assert ended.code == 2
    assert not (tmp_path / "secrets.toml").exists()


def test_a_secret_is_not_taken_by_config_set(command):
    """config set client_secret is refused and names set-secret."""
    ended = command("config", "set", "client_secret", "hunter2")
    assert ended.code == 2
    assert "set-secret" in ended.err
    assert "hunter2" not in ended.err


def test_a_warning_about_settings_goes_to_standard_error(command, tmp_path):
    """A variable that overrules the named profile is told on standard error."""
    command("config", "set", "region", "eu-west-1", "--profile", "prod")
    ended = command("config", "show", "--profile", "prod", env={"GENESYSCLOUD_REGION": "us-west-2"})
    assert "warning: environment GENESYSCLOUD_REGION overrules region of profile prod" in ended.err


def test_an_env_file_is_read_when_named(command, tmp_path):
    """--env-file reads NAME=value lines."""
    (tmp_path / ".env").write_text("GENESYSCLOUD_REGION=us-west-2\n")
    shown = command("config", "show", "--env-file", str(tmp_path / ".env"), "-o", "json").data
    assert shown[0]["value"] == "us-west-2"
    assert shown[0]["source"].endswith(".env GENESYSCLOUD_REGION")


def test_a_working_keyring_is_used_before_a_file(command, monkeypatch, tmp_path):
    """With a keyring at hand, set-secret stores there and commands read from there first; no file holds it."""
    held: dict[tuple[str, str], str] = {}
    fake = types.ModuleType("keyring")
    monkeypatch.setattr(fake, "get_password", lambda service, name: held.get((service, name)), raising=False)
    monkeypatch.setattr(
        fake, "set_password", lambda service, name, secret: held.update({(service, name): secret}), raising=False
    )
    fake.__spec__ = ModuleSpec("keyring", None)
    monkeypatch.setitem(sys.modules, "keyring", fake)
    monkeypatch.setattr(sys, "stdin", io.StringIO("s3cr3t-1\n"))
    stored = command("config", "set-secret", "--client-id", "me")
    assert (stored.code, held) == (0, {("flowlaunch", "me"): "s3cr3t-1"})
    assert "s3cr3t-1" not in (tmp_path / "secrets.toml").read_text()
    env = {"GENESYS_CLIENT_ID": "me", "GENESYS_CLIENT_SECRET": "old", "FLOWLAUNCH_KEYRING": "on"}
    shown = command("config", "show", "-o", "json", env=env).data
    assert {"setting": "client_secret", "value": "********", "source": "keyring"} in shown


def test_a_keyring_that_fails_leaves_the_other_sources(command, monkeypatch):
    """A keyring that raises is passed over: the secret of the environment is used."""
    broken = types.ModuleType("keyring")

    def refuse(*_arguments):
        raise OSError("the keyring is locked")

    monkeypatch.setattr(broken, "get_password", refuse, raising=False)
    monkeypatch.setattr(broken, "set_password", refuse, raising=False)
    broken.__spec__ = ModuleSpec("keyring", None)
    monkeypatch.setitem(sys.modules, "keyring", broken)
    env = {"GENESYS_CLIENT_ID": "me", "GENESYS_CLIENT_SECRET": "s", "FLOWLAUNCH_KEYRING": "on"}
    shown = command("config", "show", "-o", "json", env=env).data
    assert {"setting": "client_secret", "value": "********", "source": "environment GENESYS_CLIENT_SECRET"} in shown
    monkeypatch.setattr(sys, "stdin", io.StringIO("s3cr3t-1\n"))
    assert "secrets.toml (mode 0600)" in command("config", "set-secret", "--client-id", "me").err


def test_a_profile_that_does_not_exist_cannot_be_used(command):
    """config use with an unknown profile ends with 2 and names those that there are."""
    command("config", "set", "region", "us-west-2", "--profile", "west")
    ended = command("config", "use", "east")
    assert ended.code == 2
    assert "west" in ended.err
    assert command("config", "use", "west").code == 0
    assert command("config", "show", "--query", "[0].value").out == "us-west-2\n"
