"""Signing a person in through a browser that a test plays."""

import base64
import hashlib
import socket
import threading
import urllib.request
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from scripted_server import answer, token

from flowlaunch import AuthenticationError, DeadlineError, Pkce, SettingsError, authorize
from flowlaunch.sign_in import PkcePair


class Browser:
    """Goes where it is sent and comes back with what a test wants."""

    def __init__(self, *answers):
        self.answers = answers
        self.asked = {}
        self.pages = []
        self._thread = None

    def __call__(self, url):
        self.url = url
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self._thread = threading.Thread(target=self._come_back)
        self._thread.start()
        return True

    def _come_back(self):
        for path, fields in self.answers:
            query = {name: value.format(**self.asked) for name, value in fields.items()}
            base = self.asked["redirect_uri"].removesuffix("/callback")
            try:
                with urllib.request.urlopen(f"{base}{path}?{urlencode(query)}", timeout=60) as page:  # noqa: S310
                    self.pages.append((page.status, page.read().decode()))
            except HTTPError as error:
                self.pages.append((error.code, error.read().decode()))
                error.close()

    def join(self):
        self._thread.join(5)


GOOD = ("/callback", {"code": "the-code", "state": "{state}"})


def test_a_person_signs_in():
    """The browser is sent to the region's login host with an S256 challenge, and its answer gives credentials."""
    browser = Browser(GOOD)

    credentials = authorize("client-1", "eu-west-1", open_browser=browser, wait_s=60)
    browser.join()

    assert browser.url.startswith("https://login.mypurecloud.ie/oauth/authorize?")
    asked = browser.asked
    assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", "client-1", "S256")
    assert asked["redirect_uri"].startswith("http://127.0.0.1:")
    assert isinstance(credentials, Pkce)
    assert (credentials.client_id, credentials.code) == ("client-1", "the-code")
    assert credentials.redirect_uri == asked["redirect_uri"]
    digest = hashlib.sha256(credentials.code_verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
    assert browser.pages == [(200, "Signed in: you can close this window.")]


def test_what_a_person_brought_signs_a_client_in(connect, scripted):
    """The credentials work in a client: code and verifier go to the token endpoint without any secret."""
    browser = Browser(GOOD)
    server = scripted(token=[token(refresh_token="r-1")], me=[answer(body={})])
    credentials = authorize("client-1", server.url, open_browser=browser, wait_s=60)
    browser.join()

    connect(server.url, credentials=credentials).call("whoami")

    form = parse_qs(server.requests[0].body.decode())
    assert form["code"] == ["the-code"]
    assert form["code_verifier"] == [credentials.code_verifier]
    assert "authorization" not in server.requests[0].headers
    assert "client_secret" not in form


@pytest.mark.parametrize("state", ["wrong", "", "é"])
def test_an_answer_to_another_sign_in_is_refused(state):
    """A redirect with another state is refused: somebody else began it."""
    browser = Browser(("/callback", {"code": "x", "state": state}))

    with pytest.raises(AuthenticationError) as caught:
        authorize("client-1", "us-east-1", open_browser=browser, wait_s=60)
    browser.join()

    assert "another sign-in" in caught.value.message


def test_a_refusal_by_the_person_is_told():
    """What the login host says instead of a code is told."""
    browser = Browser(("/callback", {"error": "access_denied", "error_description": "no, thanks", "state": "{state}"}))

    with pytest.raises(AuthenticationError) as caught:
        authorize("client-1", "us-east-1", open_browser=browser, wait_s=60)
    browser.join()

    assert "no, thanks" in caught.value.message


def test_other_requests_do_not_end_the_wait():
    """A browser's request for an icon is answered with 404 and waited past."""
    browser = Browser(("/favicon.ico", {}), GOOD)

    assert authorize("client-1", "us-east-1", open_browser=browser, wait_s=60).code == "the-code"
    browser.join()
    assert [status for status, _page in browser.pages] == [404, 200]


def test_nobody_comes_back():
    """When nobody signs in, the wait ends at its time."""
    with pytest.raises(DeadlineError) as caught:
        authorize("client-1", "us-east-1", open_browser=lambda _url: True, wait_s=0.05)

    assert caught.value.timeout_s == 0.05


def test_a_port_that_is_taken_is_a_settings_error():
    """A redirect port in use by another program is told as such."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError) as caught:
        authorize("client-1", "us-east-1", port=taken.getsockname()[1], open_browser=lambda _url: True, wait_s=0.05)

    assert "port" in caught.value.message


def test_a_pair_is_long_random_and_hides_its_verifier():
    """A verifier has 86 characters of the permitted alphabet, never the same twice, and is not printed."""
    one, other = PkcePair.new(), PkcePair.new()

    assert one.verifier != other.verifier
    assert 43 <= len(one.verifier) <= 128
    assert one.verifier not in repr(one)
    assert "=" not in one.challenge
