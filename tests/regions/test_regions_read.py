"""From whatever a person writes to the hosts of an org."""

import string

import pytest
from hypothesis import given, settings, strategies as st

from flowlaunch.errors import SettingsError
from flowlaunch.regions import DEFAULT_REGION, REGIONS, resolve_region

OFFICIAL = {
    "us-east-1": "mypurecloud.com",
    "us-east-2": "use2.us-gov-pure.cloud",
    "us-west-2": "usw2.pure.cloud",
    "ca-central-1": "cac1.pure.cloud",
    "mx-central-1": "mxc1.pure.cloud",
    "sa-east-1": "sae1.pure.cloud",
    "eu-west-1": "mypurecloud.ie",
    "eu-west-2": "euw2.pure.cloud",
    "eu-central-1": "mypurecloud.de",
    "eu-central-2": "euc2.pure.cloud",
    "eusc-de-east-1": "edee1.eusc-pure.cloud",
    "me-central-1": "mec1.pure.cloud",
    "ap-south-1": "aps1.pure.cloud",
    "ap-southeast-1": "apse1.pure.cloud",
    "ap-southeast-2": "mypurecloud.com.au",
    "ap-northeast-1": "mypurecloud.jp",
    "ap-northeast-2": "apne2.pure.cloud",
    "ap-northeast-3": "apne3.pure.cloud",
}


def test_all_eighteen_regions_are_known():
    """Names and domains are those of the official SDKs and the Terraform provider (official, 2026-11)."""
    assert dict(REGIONS) == OFFICIAL
    assert DEFAULT_REGION in REGIONS


@pytest.mark.parametrize("name", OFFICIAL)
def test_a_region_may_be_written_in_any_way(name):
    """Name, underscore name, domain, host and URL, in any case and with blanks around, mean the same hosts."""
    domain = OFFICIAL[name]
    ways = [
        name,
        name.replace("-", "_"),
        name.upper(),
        f"  {name} ",
        domain,
        f"{domain}/",
        f"api.{domain}",
        f"login.{domain}",
        f"apps.{domain}",
        f"https://{domain}",
        f"https://api.{domain}",
        f"https://api.{domain}/",
        f"https://login.{domain}/",
        f"HTTPS://API.{domain.upper()}",
        f"api.{domain}".upper(),
        domain.upper(),
    ]

    for text in ways:
        hosts = resolve_region(text)
        assert (hosts.api_url, hosts.login_url, hosts.region) == (
            f"https://api.{domain}",
            f"https://login.{domain}",
            name,
        )


@pytest.mark.parametrize("name", OFFICIAL)
def test_a_known_region_is_never_spoken_to_in_the_clear(name):
    """`http://` before a real region's host means `https://`: no secret goes out unencrypted."""
    domain = OFFICIAL[name]

    for text in (f"http://{domain}", f"http://api.{domain}/", f"http://login.{domain}"):
        assert resolve_region(text).api_url == f"https://api.{domain}"
        assert resolve_region(text).login_url == f"https://login.{domain}"


@pytest.mark.parametrize(
    ("text", "api_url", "login_url"),
    [
        ("new9.pure.cloud", "https://api.new9.pure.cloud", "https://login.new9.pure.cloud"),
        ("api.new9.pure.cloud", "https://api.new9.pure.cloud", "https://login.new9.pure.cloud"),
        ("https://api.new9.pure.cloud", "https://api.new9.pure.cloud", "https://login.new9.pure.cloud"),
        ("localhost", "http://localhost", "http://localhost"),
        ("localhost:8085", "http://localhost:8085", "http://localhost:8085"),
        ("127.0.0.1:8085/", "http://127.0.0.1:8085", "http://127.0.0.1:8085"),
        ("[::1]:8085", "http://[::1]:8085", "http://[::1]:8085"),
        ("http://localhost:8085/", "http://localhost:8085", "http://localhost:8085"),
        ("https://gateway.corp.example/genesys/", "https://gateway.corp.example/genesys", None),
        ("https://gateway.corp.example/genesys/api/v2", "https://gateway.corp.example/genesys", None),
        ("http://127.0.0.1:8085/api/v2/", "http://127.0.0.1:8085", None),
        ("http://127.0.0.1:8085/oauth/token", "http://127.0.0.1:8085", None),
        ("gateway.corp.example:8443", "https://gateway.corp.example:8443", None),
        ("https://api.corp.example:8443", "https://api.corp.example:8443", None),
        ("http://api.corp.example", "http://api.corp.example", None),
    ],
)
def test_any_other_host_works(text, api_url, login_url):
    """New regions follow the rule of hosts; a sandbox, a gateway or a host with a port serves both."""
    hosts = resolve_region(text)

    assert (hosts.api_url, hosts.login_url, hosts.region) == (api_url, login_url or api_url, "")


@pytest.mark.parametrize("name", OFFICIAL)
def test_an_address_copied_from_a_page_or_a_script_names_its_region(name):
    """The API's base path, the token address and a page of the org's own web app mean the region they belong to."""
    domain = OFFICIAL[name]

    for text in (
        f"https://api.{domain}/api/v2",
        f"https://api.{domain}/api/v2/",
        f"api.{domain}/api/v2",
        f"https://login.{domain}/oauth/token",
        f"https://apps.{domain}/directory/",
        f"https://apps.{domain}/architect/?x=1#/workflow/flows",
    ):
        hosts = resolve_region(text)
        assert (hosts.api_url, hosts.login_url, hosts.region) == (
            f"https://api.{domain}",
            f"https://login.{domain}",
            name,
        )


def test_the_login_host_may_be_given():
    """A login URL of its own stands, without its trailing slash; API host and region stay."""
    hosts = resolve_region("eu-west-1", login_url="https://login.corp.example/")

    assert (hosts.api_url, hosts.login_url, hosts.region) == (
        "https://api.mypurecloud.ie",
        "https://login.corp.example",
        "eu-west-1",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "eu-west-9",
        "nonsense",
        "[",
        "[::1",
        "https://",
        "ftp://api.mypurecloud.ie",
        "https://me:pw@api.mypurecloud.ie",
        "https://api.mypurecloud.ie?x=1",
        "https://api.mypurecloud.ie#x",
        "https://host:99999",
        "host.example:port",
        "-bad.example",
        "a b.example",
        "https://host/pa th",
        "https://host/päth",
        "https://hóst.example/x",
        "https://host.example/a\r\nx: y",
        "https://[::1",
        "user:pw@api.mypurecloud.ie",
    ],
)
def test_what_means_no_host_is_refused(text):
    """Anything else is a settings error that tells the ways to write a region, and shows no password."""
    with pytest.raises(SettingsError) as caught:
        resolve_region(text)

    assert caught.value.code == "unknown-region"
    assert "us-east-1" in caught.value.hint
    assert "pw@" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("eu-wst-1", "eu-west-1"), ("useast1", "us-east-1"), ("mypurecloud", "mypurecloud"), ("us_est_1", "us-east-1")],
)
def test_a_slip_is_answered_with_a_region(text, meant):
    """A misspelt region is answered with the one that was meant."""
    with pytest.raises(SettingsError) as caught:
        resolve_region(text)

    assert f"Did you mean {meant}" in caught.value.hint


@settings(deadline=None)
@given(st.one_of(st.text(), st.text(string.ascii_letters + ":/@.[]?#-_0%\\ ", max_size=30)))
def test_any_text_is_a_region_or_a_settings_error(text):
    """Whatever is given, the answer is two clean base URLs or a settings error."""
    for written in (text, f"https://{text}"):
        try:
            hosts = resolve_region(written)
        except SettingsError:
            continue
        for url in (hosts.api_url, hosts.login_url):
            assert url.startswith(("http://", "https://"))
            assert url.isascii()
            assert url.isprintable()
            assert " " not in url
            assert not url.endswith("/")
