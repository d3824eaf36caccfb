"""Which source wins, and that it is named."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from flowlaunch.errors import SettingsError
from flowlaunch.settings import load_settings
from flowlaunch.settings.fields import FIELDS

REGIONS = st.sampled_from(["us-west-2", "eu-west-1", "mypurecloud.de", "http://127.0.0.1:8085"])
SECRETS = st.from_regex(r"[A-Za-z0-9]{4,12}", fullmatch=True)


@given(layers=st.fixed_dictionaries({}, optional=dict.fromkeys(("given", "env", "dotenv", "ours", "gc"), REGIONS)))
def test_the_strongest_source_that_has_a_value_wins(layers):
    """Whatever sources set the region, the value comes from the strongest of them, which is named."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "env").write_text(f"GENESYSCLOUD_REGION={layers.get('dotenv', '')}\n")
        ours = f'[profiles.default]\nregion = "{layers["ours"]}"\n' if "ours" in layers else ""
        (folder / "config.toml").write_text(ours)
        (folder / "gc.toml").write_text(f"[DEFAULT]\nenvironment = '{layers['gc']}'\n" if "gc" in layers else "")
        settings = load_settings(
            {"region": layers.get("given")},
            environ={"GENESYSCLOUD_REGION": layers.get("env", "")},
            config_file=folder / "config.toml",
            gc_config_file=folder / "gc.toml",
            dotenv_file=folder / "env",
            keyring=lambda _: None,
        )
    names = {
        "given": "argument",
        "env": "environment GENESYSCLOUD_REGION",
        "dotenv": f"{folder}/env GENESYSCLOUD_REGION",
        "ours": f"profile default in {folder}/config.toml",
        "gc": f"gc profile DEFAULT in {folder}/gc.toml",
    }
    winner = next((layer for layer in names if layer in layers), None)
    assert settings.region == (layers[winner] if winner else "us-east-1")
    assert settings.sources["region"] == (names[winner] if winner else "default")


@given(
    layers=st.fixed_dictionaries({}, optional=dict.fromkeys(("given", "keyring", "env", "ours", "file", "gc"), SECRETS))
)
def test_a_secret_comes_from_the_keyring_before_the_environment_and_files(layers):
    """The client secret's order is argument, keyring, environment, profile, secrets file, gc CLI."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = f'client_secret = "{layers["ours"]}"\n' if "ours" in layers else ""
        (folder / "config.toml").write_text(f"[profiles.default]\n{ours}")
        gc = f"client_secret = '{layers['gc']}'\n" if "gc" in layers else ""
        (folder / "gc.toml").write_text(f"[DEFAULT]\nclient_credentials = 'me'\n{gc}")
        if "file" in layers:
            (folder / "secrets.toml").write_text(f'[client_secrets]\n"me" = "{layers["file"]}"\n')
        settings = load_settings(
            {"client_id": "me", "client_secret": layers.get("given")},
            environ={"GENESYSCLOUD_OAUTHCLIENT_SECRET": layers.get("env", "")},
            config_file=folder / "config.toml",
            gc_config_file=folder / "gc.toml",
            keyring={"me": layers.get("keyring", "")}.get,
        )
    order = ("given", "keyring", "env", "ours", "file", "gc")
    winner = next((layer for layer in order if layer in layers), None)
    assert settings.client_secret == (layers[winner] if winner else None)


def test_the_platforms_variable_names_come_before_those_of_guides(place):
    """GENESYSCLOUD_OAUTHCLIENT_ID wins over GENESYS_CLIENT_ID, which is taken when it stands alone."""
    both = {"GENESYS_CLIENT_ID": "guide", "GENESYSCLOUD_OAUTHCLIENT_ID": "platform"}
    assert place.load(environ=both).client_id == "platform"
    alone = place.load(environ={"GENESYS_CLIENT_ID": "guide"})
    assert (alone.client_id, alone.sources["client_id"]) == ("guide", "environment GENESYS_CLIENT_ID")


def test_every_variable_of_the_table_is_read(place, tmp_path):
    """Each environment variable in the table of settings sets its setting."""
    pem = tmp_path / "some.pem"
    pem.write_text("x")
    texts = {
        "region": "mypurecloud.ie", "login_url": "https://login.example", "contract": "guide", "preflight": "off",
        "timeout_s": "7.5", "pace_per_minute": "off", "proxy": "http://proxy:3128", "ca_file": str(pem),
        "client_cert_file": str(pem), "client_key_file": str(pem), "token_cache": str(tmp_path / "tokens"),
    }  # fmt: skip
    for field in FIELDS:
        for variable in field.environment:
            environ = {variable: texts.get(field.name, "something")}
            if field.name == "client_key_file":
                environ["FLOWLAUNCH_CLIENT_CERT"] = str(pem)
            settings = place.load(environ=environ)
            assert settings.sources[field.name] == f"environment {variable}"
            assert getattr(settings, field.name) != field.default


def test_an_empty_variable_counts_as_not_set(place):
    """A variable that is set to nothing, as pipelines do, leaves the default in force."""
    settings = place.load(environ={"GENESYSCLOUD_REGION": " ", "FLOWLAUNCH_TIMEOUT": ""})
    assert (settings.region, settings.timeout_s) == ("us-east-1", 30.0)


def test_a_dotenv_file_is_read_only_when_asked(place, monkeypatch, tmp_path):
    """A .env file in the working directory does nothing by itself; one that is named is read, quotes and all."""
    place.write(place.dotenv, "# ours\nexport GENESYSCLOUD_REGION='eu-west-1' # Ireland\nGENESYS_CLIENT_ID = a#b\n")
    monkeypatch.chdir(tmp_path)
    assert place.load().region == "us-east-1"
    settings = place.load(dotenv_file=place.dotenv)
    assert (settings.region, settings.client_id) == ("eu-west-1", "a#b")


def test_a_broken_dotenv_line_is_told_by_number_and_not_by_text(place):
    """The error about a .env line names the line's number and never its text, which may be a secret."""
    place.write(place.dotenv, "GENESYS_CLIENT_ID=a\nhunter2\n")
    with pytest.raises(SettingsError) as caught:
        place.load(dotenv_file=place.dotenv)
    assert "line 2" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_pace_off_is_not_the_same_as_pace_not_given(place):
    """A pace of None as an argument switches pacing off; without the argument the default holds."""
    assert place.load({"pace_per_minute": None}).pace_per_minute is None
    assert place.load({"timeout_s": None}).pace_per_minute == 300.0


def test_a_stronger_client_overrules_a_weaker_token(place):
    """A client id given as an argument is not defeated by an access token left in the environment."""
    environ = {"GENESYSCLOUD_ACCESS_TOKEN": "old-token"}
    assert place.load({"client_id": "me", "client_secret": "s"}, environ).access_token is None
    assert place.load(environ=environ).access_token == "old-token"
    place.keyring["me"] = "from-keyring"
    assert place.load({"client_id": "me"}, environ).client_secret == "from-keyring"


def test_secrets_are_never_shown(place):
    """Neither repr nor `shown` nor an error tells a secret."""
    secret = "s3cr3t-s3cr3t"
    settings = place.load({"client_id": "me", "client_secret": secret, "proxy": f"http://u:{secret}@proxy:3128"})
    assert settings.client_secret == secret
    assert secret not in repr(settings)
    assert not [field.name for field in FIELDS if secret in settings.shown(field.name)]
    assert settings.shown("proxy") == "http://***@proxy:3128"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("GENESYSCLOUD_REGION", "eu-west-9", "eu-west"),
        ("FLOWLAUNCH_TIMEOUT", "soon", "number above 0"),
        ("FLOWLAUNCH_TIMEOUT", "nan", "number above 0"),
        ("FLOWLAUNCH_PACE", "-3", 'or "off"'),
        ("FLOWLAUNCH_CONTRACT", "real", "platform, guide"),
        ("FLOWLAUNCH_PREFLIGHT", "maybe", "strict, warn, off"),
        ("FLOWLAUNCH_PROXY", "proxy:3128", "URL"),
        ("FLOWLAUNCH_PROXY", "http://proxy:99999", "URL"),
        ("FLOWLAUNCH_CA_FILE", "/does/not/exist.pem", "no such file"),
    ],
)
def test_a_bad_value_is_refused_with_its_source(place, variable, value, said):
    """A value that cannot be used is an error that names the setting's source and what is expected."""
    with pytest.raises(SettingsError) as caught:
        place.load(environ={variable: value})
    assert f"environment {variable}" in caught.value.message
    assert said in str(caught.value)


def test_a_client_key_needs_its_certificate(place, tmp_path):
    """A key file without a certificate file is refused before anything is opened."""
    key = tmp_path / "key.pem"
    key.write_text("x")
    with pytest.raises(SettingsError, match="client_cert_file"):
        place.load({"client_key_file": key})


def test_unknown_arguments_are_refused(place):
    """A setting that does not exist is an error and not ignored."""
    with pytest.raises(SettingsError, match="unknown setting 'regoin'"):
        place.load({"regoin": "us-east-1"})
