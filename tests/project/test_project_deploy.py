"""The examples of deployment stay true: their commands are ours, and what they name exists."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from flowlaunch.cli.app import cli
from flowlaunch.gateway.options import GatewayOptions
from flowlaunch.settings.fields import FIELDS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = (DEPLOY / "flowlaunch-gateway.service").read_text("utf-8")
CONTAINER = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text("utf-8"))
SERVICE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["gateway"]
PROGRAM = "/opt/flowlaunch/bin/flowlaunch"


def entrypoint():
    """Return the command of the image."""
    [found] = re.findall(r"^ENTRYPOINT (\[.*\])", CONTAINER, re.MULTILINE)
    return yaml.safe_load(found)


def unit_command():
    """Return the command of the systemd unit."""
    [found] = re.findall(r"^ExecStart=((?:.*\\\n)*.*)", UNIT, re.MULTILINE)
    return shlex.split(found.replace("\\\n", " "))


def options_of(arguments):
    """Have our own command line read the arguments of a gateway; return its options."""
    group, name, *rest = arguments
    context = click.Context(cli)
    found = cli.get_command(context, group).get_command(context, name)
    return found.make_context(name, rest).params


def test_the_unit_starts_a_gateway(tmp_path):
    """The command of the systemd unit is one that our command line takes, with its state in the state folder."""
    (tmp_path / "gateway.env").touch()
    program, *arguments = [
        one.replace("%d", str(tmp_path)).replace("%S", "/var/lib") for one in unit_command()
    ]  # fmt: skip

    options = options_of(arguments)

    assert program == PROGRAM
    assert options["ledger"] == "/var/lib/flowlaunch/gateway.ledger"
    assert "StateDirectory=flowlaunch\n" in UNIT
    assert "LoadCredential=gateway.env:" in UNIT


def test_the_unit_waits_for_what_is_under_way():
    """systemd kills the gateway only after the gateway's own patience has ended."""
    [patience_s] = re.findall(r"^TimeoutStopSec=(\d+)", UNIT, re.MULTILINE)

    assert int(patience_s) > GatewayOptions(ledger="x").stop_wait_s
    assert SERVICE["stop_grace_period"] == f"{patience_s}s"


def test_the_image_starts_a_gateway():
    """The image's command, with what compose adds, is one that our command line takes, on the port that it opens."""
    program, *arguments = entrypoint()

    options = options_of(arguments + SERVICE["command"])

    assert program == PROGRAM
    assert options["host"] == "0.0.0.0"  # noqa: S104 - of the container
    assert f"EXPOSE {options['port']}\n" in CONTAINER
    [volume] = re.findall(r"^VOLUME (\S+)", CONTAINER, re.MULTILINE)
    assert SERVICE["volumes"] == [f"state:{volume}"]
    assert options["ledger"].startswith(f"{volume}/")
    assert SERVICE["ports"] == [f"127.0.0.1:{options['port']}:{options['port']}"]


def test_the_health_check_asks_what_the_gateway_answers():
    """The image asks for its health at the port that the gateway listens on, with a program that it has."""
    [command] = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])", CONTAINER, re.MULTILINE)
    python, _, asked = yaml.safe_load(command)

    assert Path(python) == Path(PROGRAM).with_name("python")
    assert f"'http://127.0.0.1:{options_of(entrypoint()[1:])['port']}/healthz'" in asked


def test_the_image_is_made_of_files_that_are_there():
    """What the image copies from the project exists and reaches the builder."""
    allowed = (DEPLOY / "Containerfile.dockerignore").read_text("utf-8").splitlines()
    for line in re.findall(r"^COPY (?!--from)(.*)", CONTAINER, re.MULTILINE):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists(), name
            assert f"!{name}" in allowed, name


@pytest.mark.parametrize("extra", re.findall(r"\[([a-z,]+)\]['\"]", CONTAINER + UNIT))
def test_the_examples_install_extras_that_exist(extra):
    """What is installed beside the package is one of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert set(extra.split(",")) <= project["optional-dependencies"].keys()


@pytest.mark.parametrize("file", sorted(DEPLOY.iterdir()), ids=lambda file: file.name)
def test_the_examples_name_settings_that_exist(file):
    """Every environment variable in the examples is one that flowlaunch reads."""
    known = {name for field in FIELDS for name in field.environment}

    assert set(re.findall(r"\b(?:GENESYSCLOUD|FLOWLAUNCH)_[A-Z_]+", file.read_text("utf-8"))) <= known
