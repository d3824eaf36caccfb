"""The options that every command takes, wherever on the line they stand."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    "line",
    [
        ("-o", "json", "--query", "[0].name", "flows", "list"),
        ("flows", "-o", "json", "--query", "[0].name", "list"),
        ("--query", "[0].name", "flows", "list", "-o", "json"),
        ("-o", "csv", "flows", "--query", "nothing", "list", "-o", "json", "--query", "[0].name"),
    ],
    ids=" ".join,
)
def test_shared_options_may_stand_before_the_command(at_sandbox, line):
    """`-o` and `--query` work before the command and after it; the last one said wins."""
    ended = at_sandbox(*line)

    assert (ended.code, ended.out) == (0, '"Order follow-up"\n')


def test_a_profile_may_be_named_before_the_command(command, sandbox):
    """`--profile` before the command names the profile that the command reads, or changes."""
    assert command("--profile", "near", "config", "set", "region", sandbox.url).code == 0
    profile = command("--profile", "near", "config", "-o", "json").data[-1]

    assert profile["value"] == "near"
    assert command("--profile", "far", "whoami").code == 2


def test_quiet_may_stand_before_the_command(at_sandbox):
    """`--quiet` before the command silences its talk."""
    assert at_sandbox("flows", "inputs", "Order follow-up").err != ""
    assert at_sandbox("--quiet", "flows", "inputs", "Order follow-up").err == ""


def test_config_alone_takes_the_options_of_its_listing(command):
    """`flowlaunch config -o json` is `flowlaunch config show -o json`."""
    alone, spelled = command("config", "-o", "json"), command("config", "show", "-o", "json")

    assert alone.code == spelled.code == 0
    assert json.loads(alone.out) == json.loads(spelled.out)


@pytest.mark.parametrize(
    "line",
    [
        ("demo",),
        ("explain",),
        ("sandbox", "serve"),
        ("config", "path"),
        ("config", "profiles"),
        ("config", "use"),
    ],
    ids=" ".join,
)
def test_a_profile_is_accepted_where_nothing_depends_on_it(command, line):
    """A wrapper that adds `--profile` to every command breaks none, not even those that read no settings."""
    assert command(*line, "--profile", "any", "--help").code == 0
