"""Profiles, the gc CLI's file, the secrets file, and editing."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from flowlaunch.errors import SettingsError
from flowlaunch.settings import load_settings
from flowlaunch.settings.edit import set_value, unset_value, use_profile
from flowlaunch.settings.files import read_profiles
from flowlaunch.settings.secrets import SecretsFile, note_in_keyring, quoted, read_secrets, store_in_file

PROFILES = """# our orgs
default_profile = "test"

[profiles.test]   # the sandbox
region = "http://127.0.0.1:8085"
client_id = "demo"

[profiles.prod]
region = "eu-west-1"
pace_per_minute = 600
"""


def test_a_profile_is_chosen_by_argument_then_variable_then_file(place):
    """The named profile beats FLOWLAUNCH_PROFILE, which beats the file's default_profile."""
    place.write(place.config, PROFILES)
    assert place.load().profile == "test"
    assert place.load(environ={"FLOWLAUNCH_PROFILE": "prod"}).region == "eu-west-1"
    named = place.load(environ={"FLOWLAUNCH_PROFILE": "prod"}, profile="test")
    assert (named.profile, named.client_id, named.sources["profile"]) == ("test", "demo", "argument")


def test_an_unknown_profile_is_refused_and_the_known_are_told(place):
    """Naming a profile that exists nowhere is an error that lists those that do."""
    place.write(place.config, PROFILES)
    with pytest.raises(SettingsError) as caught:
        place.load(profile="prd")
    assert caught.value.code == "unknown-profile"
    assert "prod, test" in caught.value.hint


def test_a_variable_that_overrules_a_named_profile_is_told(place):
    """Asking for a profile by name while the environment sets the same thing warns, so no launch goes astray."""
    place.write(place.config, PROFILES)
    settings = place.load(environ={"GENESYSCLOUD_REGION": "us-west-2"}, profile="prod")
    assert settings.region == "us-west-2"
    assert settings.warnings == ("environment GENESYSCLOUD_REGION overrules region of profile prod",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[profiles.default]\nregoin = 'us-east-1'\n", "Did you mean region"),
        ("region = 'us-east-1'\n", "[profiles.default]"),
        ("[profiles.default\n", "not valid TOML"),
        ("profiles = 3\n", "one table a profile"),
        ("default_profile = 3\n", "must be the name"),
    ],
)
def test_a_wrong_profile_file_is_refused_with_the_cure(place, text, said):
    """Typing errors in the profile file are errors that say what to write."""
    place.write(place.config, text)
    with pytest.raises(SettingsError) as caught:
        place.load()
    assert said in str(caught.value)
    assert str(place.config) in str(caught.value)


def test_the_gc_clis_profiles_are_read(place):
    """Users of the gc CLI need no set-up: region, client, token, proxy and gateway come from its file."""
    place.write(
        place.gc,
        "[default]\nenvironment = 'mypurecloud.de'\nclient_credentials = 'gc-id'\nclient_secret = 'gc-secret'\n"
        "proxy_host = 'proxy'\nproxy_port = '3128'\nproxy_protocol = 'http'\n"
        "proxy_username = 'u'\nproxy_password = 'p@'\n"
        "[gw]\ngateway_host = 'gw.example'\ngateway_protocol = 'https'\ngateway_port = '8443'\n"
        "gateway_pathparams = '{login: /l, api: /a}'\ngateway_username = 'x'\n",
    )
    settings = place.load()
    assert (settings.region, settings.client_id, settings.client_secret) == ("mypurecloud.de", "gc-id", "gc-secret")
    assert settings.proxy == "http://u:p%40@proxy:3128"
    gateway = place.load(profile="gw")
    assert (gateway.region, gateway.login_url) == ("https://gw.example:8443/a", "https://gw.example:8443/l")
    assert "gateway_username" in gateway.warnings[0]


def test_the_gc_secret_is_not_sent_with_another_client(place):
    """With a client id of our own, the gc CLI's secret is left alone."""
    place.write(place.gc, "[DEFAULT]\nclient_credentials = 'gc-id'\nclient_secret = 'gc-secret'\n")
    assert place.load({"client_id": "other"}).client_secret is None
    assert place.load(environ={"GENESYS_CLIENT_ID": "gc-id"}).client_secret == "gc-secret"


def test_a_stored_secret_goes_with_its_client_only(place):
    """The secrets file is keyed by client id and readable by its owner alone."""
    store_in_file(place.secrets, "me", 'quote " and \\ and ü')
    store_in_file(place.secrets, "you", "other")
    assert place.load({"client_id": "me"}).client_secret == 'quote " and \\ and ü'
    assert place.load({"client_id": "them"}).client_secret is None
    assert stat.S_IMODE(place.secrets.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_that_others_may_read_is_warned_about(place, mode):
    """A secrets file with a loose mode works and says how to tighten it."""
    store_in_file(place.secrets, "me", "s")
    place.secrets.chmod(mode)
    settings = place.load({"client_id": "me"})
    assert settings.client_secret == "s"
    assert f"chmod 600 {place.secrets}" in settings.warnings[0]


def test_the_keyring_is_asked_for_the_client_in_force_only(place):
    """Another client's secret in the keyring is not used, and a given secret leaves the keyring unasked."""
    place.keyring["me"] = "from-keyring"
    assert place.load({"client_id": "me"}).sources["client_secret"] == "keyring"
    assert place.load({"client_id": "you"}).client_secret is None
    assert place.load({"client_id": "me", "client_secret": "given"}).client_secret == "given"


def test_setting_a_value_keeps_the_rest_of_the_file(place):
    """Editing one value leaves comments, order and other profiles as they were."""
    place.write(place.config, PROFILES)
    set_value(place.config, "test", "timeout_s", "12")
    set_value(place.config, "prod", "region", "us-east-1")
    set_value(place.config, "new", "contract", "guide")
    use_profile(place.config, "prod")
    text = place.config.read_text(encoding="utf-8")
    assert text.startswith('# our orgs\ndefault_profile = "prod"\n')
    assert "[profiles.test]   # the sandbox" in text
    found = tomllib.loads(text)["profiles"]
    assert found["test"] == {"region": "http://127.0.0.1:8085", "client_id": "demo", "timeout_s": 12}
    assert found["prod"] == {"region": "us-east-1", "pace_per_minute": 600}
    assert found["new"] == {"contract": "guide"}
    unset_value(place.config, "test", "timeout_s")
    assert "timeout_s" not in read_profiles(place.config).profiles["test"]


def test_a_file_that_cannot_be_edited_safely_is_left_alone(place):
    """A profile written as an inline table is not edited, and the file stays as it was."""
    text = 'profiles = { prod = { region = "eu-west-1" } }\n'
    place.write(place.config, text)
    with pytest.raises(SettingsError, match="cannot be edited safely"):
        set_value(place.config, "prod", "region", "us-east-1")
    assert place.config.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("name", "value", "profile"),
    [
        ("client_secret", "s", "default"),
        ("regoin", "x", "default"),
        ("region", "nowhere", "default"),
        ("region", "us-east-1", "a b"),
    ],
)
def test_a_bad_edit_is_refused_and_nothing_is_written(place, name, value, profile):
    """Secrets, unknown settings, wrong values and odd profile names do not reach the file."""
    with pytest.raises(SettingsError):
        set_value(place.config, profile, name, value)
    assert not place.config.exists()


@given(st.text())
def test_any_text_survives_as_a_toml_string(text):
    """What is written as a TOML string reads back the same."""
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        return
    assert tomllib.loads(f"x = {quoted(text)}")["x"] == text


def test_a_secrets_file_that_is_broken_is_an_error(place):
    """A secrets file that is no TOML is told, not skipped."""
    place.write(place.secrets, "[client_secrets\n")
    with pytest.raises(SettingsError, match="secrets file"):
        read_secrets(place.secrets)


def test_a_missing_file_is_no_file(tmp_path: Path):
    """Without any file there are no profiles and no secrets."""
    assert read_profiles(tmp_path / "none.toml").profiles == {}
    assert read_secrets(tmp_path / "none.toml") == SecretsFile()


def test_a_broken_gc_file_is_warned_about_and_left_out(place):
    """The gc CLI's file is not ours: when it cannot be read, a warning says so and the rest works."""
    place.write(place.gc, "[DEFAULT\n")
    settings = place.load({"region": "us-west-2"})
    assert settings.region == "us-west-2"
    assert "going on without the gc CLI's profiles" in settings.warnings[0]


def test_a_user_without_a_home_has_no_files(monkeypatch):
    """Where no home can be found, as in some containers, settings come from the environment all the same."""

    def no_home() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", no_home)
    settings = load_settings({"client_id": "me"}, environ={}, config_file=Path("none.toml"), keyring=lambda _: None)
    assert (settings.client_id, settings.warnings) == ("me", ())


def test_a_usual_place_that_may_not_be_read_is_passed_over(monkeypatch, tmp_path):
    """Profiles in a folder of another user are warned about and do not stop a program that needs none."""

    def refuse(*_arguments, **_keywords):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    settings = load_settings({"client_id": "me"}, environ={"GENESYS_CLIENT_SECRET": "s"}, keyring=lambda _: None)
    assert settings.client_secret == "s"
    assert "going on without profiles" in settings.warnings[0]
    with pytest.raises(SettingsError, match="cannot read"):
        load_settings(environ={}, config_file=tmp_path / "named.toml")


def test_the_systems_keyring_is_loaded_only_when_it_may_have_the_secret(place, monkeypatch):
    """With a secret in the environment the slow keyring stays unloaded, unless set-secret put one there."""
    asked: list[str] = []
    monkeypatch.setattr("flowlaunch.settings.load.keyring_secret", lambda name: asked.append(name) or "from-keyring")
    environ = {"GENESYS_CLIENT_ID": "me", "GENESYS_CLIENT_SECRET": "from-environment"}
    files = {"config_file": place.config, "gc_config_file": place.gc}
    assert load_settings(environ=environ, **files).client_secret == "from-environment"
    assert asked == []
    assert load_settings({"client_id": "me"}, environ={}, **files).client_secret == "from-keyring"
    note_in_keyring(place.secrets, "me")
    assert load_settings(environ=environ, **files).client_secret == "from-keyring"
    assert asked == ["me", "me"]


def test_storing_in_one_place_forgets_the_other(place):
    """A secret stored in the keyring leaves the file, and one stored in the file is no longer asked of the keyring."""
    store_in_file(place.secrets, "me", "s")
    note_in_keyring(place.secrets, "me")
    assert read_secrets(place.secrets) == SecretsFile({}, frozenset({"me"}))
    store_in_file(place.secrets, "me", "t")
    assert read_secrets(place.secrets) == SecretsFile({"me": "t"})
