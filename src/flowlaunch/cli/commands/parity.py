"""`parity`: ask a real org and a sandbox the same, and print a difference that can be shown to anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.inputs import input_options, read_inputs
from flowlaunch.cli.session import Session, command_options
from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch.parity import Place, Report
    from flowlaunch.settings import Settings

__all__ = ["parity_command"]

_SANDBOX_FLOW: Final = "f0000000-0000-4000-8000-000000000001"
_SANDBOX_INPUT: Final = {"Flow.customerName": "Jane Doe", "Flow.orderId": "ORD-1"}


@click.command("parity")
@click.option(
    "--flow", metavar="FLOW", help="Ask about this flow, an id or exact name; else about the first one listed."
)
@input_options
@click.option("--yes", is_flag=True, help="Launch that flow a few times too, to see how launches answer.")
@command_options()
def parity_command(
    session: Session, flow: str | None, *, pairs: Sequence[str], document: str | None, yes: bool
) -> None:
    """Show where a real org differs from the sandbox, without its values.

    Sends about 30 harmless requests to the org of the settings (it reads, or is refused), the same ones to a sandbox
    in this process, and prints the difference as Markdown to paste into an issue: statuses, field names, types and
    plain words of errors. No value, id, name, token or host is in it. Nothing is launched, unless --flow names a flow
    that may be launched and --yes says so.
    """
    if yes and not flow:
        raise click.UsageError("--yes needs --flow: name the flow that may be launched")
    settings = session.settings
    if settings.contract != "platform":
        raise SettingsError("parity asks about the platform's contract", hint="Leave --contract out.")
    with session.client() as client:
        client.whoami()  # says what is wrong with credentials and hosts better than a difference does
        flow_id = client.find_flow(flow).id if flow else None
    org = _org(settings, flow_id=flow_id, input_data=read_inputs(pairs, document), launches=yes)
    report = _compared(session, org)
    _show(session, report)
    total, different = len(report.rows), len(report.different)
    session.talk(f"{different} of {total} answers differ; read the page before you paste it")
    if report.refused:
        session.talk(f"{len(report.refused)} were refused (403) and settle nothing: the client lacks a permission")
    if not yes:
        session.talk("launches were not asked about: --flow FLOW --yes")


def _org(settings: Settings, **about: Any) -> Place:
    from flowlaunch._io.network import Network  # noqa: PLC0415 - loads TLS
    from flowlaunch.parity import Place  # noqa: PLC0415
    from flowlaunch.regions import resolve_region  # noqa: PLC0415

    token = settings.access_token
    return Place(
        resolve_region(settings.region, login_url=settings.login_url),
        Network(settings.proxy, settings.ca_file, settings.client_cert_file, settings.client_key_file),
        client_id=None if token else settings.client_id,
        client_secret=None if token else settings.client_secret,
        access_token=token,
        **about,
    )


def _compared(session: Session, org: Place) -> Report:
    from flowlaunch._io.network import Network  # noqa: PLC0415
    from flowlaunch._version import __version__  # noqa: PLC0415
    from flowlaunch.parity import Place, Report, Row, compared, visit  # noqa: PLC0415
    from flowlaunch.regions import resolve_region  # noqa: PLC0415
    from flowlaunch.sandbox import Sandbox  # noqa: PLC0415 - loads the flow language and the server

    rows = []
    with Sandbox(clock="virtual", rate_per_minute=None) as sandbox:
        ours = Place(
            resolve_region(sandbox.url), Network(), "demo", "demo-secret",
            flow_id=_SANDBOX_FLOW if org.flow_id else None, input_data=_SANDBOX_INPUT, launches=org.launches,
        )  # fmt: skip
        for (probe, theirs), (_, own) in zip(visit(org), visit(ours), strict=True):
            is_both = theirs is not None and own is not None
            differences = compared(theirs, own) if theirs is not None and own is not None else ()
            rows.append(Row(probe.name, probe.settles, theirs, own if is_both else None, differences))
            session.talk(f"{probe.name}: {theirs.summary if theirs else 'not asked'}")
    return Report(__version__, tuple(rows))


def _show(session: Session, report: Report) -> None:
    if session.output == "json" or session.query:
        session.emit(report.document())
    elif session.output == "table":
        click.echo(report.markdown(), nl=False)
    else:
        session.emit(
            [
                {"question": row.probe, "what": one.what, "org": one.org, "sandbox": one.sandbox}
                for row in report.different
                for one in row.differences
            ]
        )
