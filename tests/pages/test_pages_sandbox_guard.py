"""What the sandbox's page refuses, and what every answer of it carries."""

import html
import http.client
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def ask(sandbox):
    """Ask with exactly the headers given."""

    def send(method, path, headers=None, body=None):
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=60)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text

    return send


@pytest.fixture
def token(ask):
    """The CSRF token that the page puts into its forms."""
    return re.search(r'name="csrf" value="([0-9a-f]{64})"', ask("GET", "/sandbox/page/")[2])[1]


def form(**fields):
    """Write a form."""
    return urlencode(fields)


def test_a_sandbox_that_nobody_looks_at_pays_nothing():
    """The page's templates are loaded when somebody opens it, not when a sandbox starts."""
    program = "import sys, flowlaunch.sandbox.server; raise SystemExit('jinja2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_browser_at_the_bare_address_gets_the_page(ask):
    """Who opens the sandbox's address in a browser is sent to the page; a client of the API gets the API's answer."""
    assert ask("GET", "/", {"Accept": "text/html,*/*"})[1]["location"] == "/sandbox/page/"
    assert ask("GET", "/sandbox")[1]["location"] == "/sandbox/page/"
    assert ask("GET", "/", {"Accept": "application/json"})[0] == 404


def test_the_first_steps_on_the_page_work(ask, sandbox, tmp_path):
    """What the empty page says to type launches a flow in this very sandbox."""
    page = ask("GET", "/sandbox/page/")[2]
    steps = html.unescape(re.search(r'<pre class="code"[^>]*><code>(.*?)</code>', page, re.DOTALL)[1])
    script = steps.replace("flowlaunch flows list\n", "")
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}

    subprocess.run(["bash", "-euc", script], env=env, check=True, capture_output=True, timeout=60)

    assert [one.status for one in sandbox.launches()] == ["COMPLETED"]


def test_a_rebound_name_gets_nothing(ask):
    """A page under a foreign host name that points here reads and changes nothing."""
    status, _, text = ask("GET", "/sandbox/page/", {"Host": "evil.example"})
    assert status == 403
    assert "Sandbox Ltd" not in text

    assert ask("POST", "/sandbox/page/reset", {"Host": "evil.example", "Content-Type": FORM}, "confirmed=yes")[0] == 403


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
def test_another_sites_form_is_refused(ask, token, sandbox, launch, headers):
    """A form that another origin posts changes nothing, even with the right token."""
    launch()

    status, _, _ = ask("POST", "/sandbox/page/reset", {"Content-Type": FORM, **headers},
                       form(csrf=token, confirmed="yes"))  # fmt: skip

    assert status == 403
    assert len(sandbox.launches()) == 1


@pytest.mark.parametrize("given", ["", "0" * 64, "ü"])
def test_a_form_without_the_token_is_refused(ask, sandbox, launch, given):
    """A form needs the token of the page that it was on."""
    launch()

    status, _, text = ask("POST", "/sandbox/page/reset", {"Content-Type": FORM}, form(csrf=given, confirmed="yes"))

    assert status == 403
    assert "nothing was changed" in text
    assert len(sandbox.launches()) == 1


@pytest.mark.parametrize(
    ("media", "body", "status"),
    [("application/json", '{"confirmed": "yes"}', 415), ("text/plain", "confirmed=yes", 415),
     (FORM, "a=" + "b" * 70_000, 413), (FORM, "&".join(f"f{n}=1" for n in range(200)), 400),
     (FORM, b"csrf=\xff", 400)],
)  # fmt: skip
def test_only_small_forms_are_read(ask, media, body, status):
    """Other types, large bodies, many fields and broken text are refused before anything is done."""
    assert ask("POST", "/sandbox/page/reset", {"Content-Type": media}, body)[0] == status


@pytest.mark.parametrize("path", ["/", "/nowhere", "/executions/none", "/requests/999", "/assets/old/page.css"])
def test_every_answer_binds_the_browser(ask, path):
    """Pages and errors alike allow no inline script, no foreign content, no frame and no guessing of types."""
    _, headers, _ = ask("GET", f"/sandbox/page{path}")

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_no_page_has_inline_code_or_foreign_addresses(ask, launch):
    """No page holds a script, style or handler of its own, or loads anything from elsewhere."""
    execution = launch.id_of("loyalty", {"Flow.customerId": "C-404"})
    for path in ("/", "/executions", f"/executions/{execution}", "/requests", "/flows", "/clock", "/faults"):
        text = ask("GET", f"/sandbox/page{path}")[2]
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", text), path
        assert re.findall(r'(?:src|href)="(?!/sandbox/page/|#)([^"]+)"', text) == [], path


def test_texts_of_callers_are_only_text(ask, launch):
    """A launch named like a script shows as that text."""
    name = "<script>alert(1)</script>\"'"
    execution = launch.id_of(name=name, inputs={"Flow.customerName": name, "Flow.orderId": "1"})

    for path in ("/executions", f"/executions/{execution}"):
        text = ask("GET", f"/sandbox/page{path}")[2]
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/sandbox/page/\\evil", "/other", "/sandbox/page/\r\nX: 1"]
)
def test_a_form_never_leads_away(ask, token, back):
    """After a form the page goes on within itself, whatever address the form carries."""
    body = form(csrf=token, seconds="1", back=back)

    status, headers, _ = ask("POST", "/sandbox/page/clock/advance", {"Content-Type": FORM}, body)

    assert status == 303
    assert headers["location"] == "/sandbox/page/?done=advanced&n=1"


def test_what_a_form_said_cannot_be_put_into_the_address(ask):
    """The address can only choose among the page's own sentences."""
    text = ask("GET", "/sandbox/page/?done=Send%20money&n=1")[2]

    assert "Send money" not in text


@pytest.mark.parametrize("seconds", ["-1", "nan", "1e99", "soon", ""])
def test_a_wrong_number_is_explained(ask, token, seconds):
    """A number out of bounds is refused with the bounds."""
    status, _, text = ask(
        "POST", "/sandbox/page/clock/advance", {"Content-Type": FORM}, form(csrf=token, seconds=seconds)
    )

    assert status == 400
    assert "must be from 0 to" in text


def test_files_may_be_kept_for_ever(ask):
    """Style and scripts carry their version in the address, and are cached without asking again."""
    address = re.search(r'href="([^"]+page\.css)"', ask("GET", "/sandbox/page/")[2])[1]

    status, headers, _ = ask("GET", address)

    assert status == 200
    assert "immutable" in headers["cache-control"]


def test_the_list_goes_on_where_the_slice_ended(ask, launch):
    """A list longer than a screen is read on by its cursor, without a gap or a repeat."""
    for number in range(55):
        launch(inputs={"Flow.orderId": f"{number}"})
    first = ask("GET", "/sandbox/page/executions")[2]
    onward = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")

    rows = re.findall(r'<tr id="x-([^"]+)"', first) + re.findall(r'<tr id="x-([^"]+)"', ask("GET", onward)[2])

    assert len(rows) == len(set(rows)) == 55
