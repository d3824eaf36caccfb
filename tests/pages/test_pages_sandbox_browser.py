"""The sandbox's page in a real browser."""

import re

import pytest

from browsers import WIDTHS, axe_violations, expect, too_wide

pytestmark = pytest.mark.browser

LIVE = '#pulse[data-state="on"]'


def figure(page, name):
    """Find a figure of the overview by its name."""
    return page.locator(".figure").filter(has_text=name).locator("dd").first


def test_a_launch_shows_without_a_reload(tabs, base, launch):
    """What is launched while the overview is open shows there by itself."""
    page = tabs.open(f"{base}/")
    page.wait_for_selector(LIVE)
    page.evaluate("window.same = true")

    launch(name="Order of Jane")

    expect(figure(page, "Completed")).to_have_text("1")
    expect(page.get_by_role("link", name="Order follow-up")).to_be_visible()
    assert page.evaluate("window.same")


def test_a_page_comes_back_to_life_when_it_is_looked_at_again(tabs, base, launch):
    """A hidden page asks for nothing, and catches up when it is shown."""
    page = tabs.open(f"{base}/")
    page.wait_for_selector(LIVE)
    hide = "(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    page.evaluate(f"{hide} document.dispatchEvent(new Event('visibilitychange')); }}", True)
    launch()
    page.evaluate(f"{hide} document.dispatchEvent(new Event('visibilitychange')); }}", False)

    expect(figure(page, "Completed")).to_have_text("1")


def test_filters_apply_while_they_are_changed(tabs, base, launch):
    """A search narrows the list as it is typed, and the address can be shared."""
    for number in range(3):
        launch(inputs={"Flow.customerName": "Jane", "Flow.orderId": f"ORD-{number}", "Flow.priority": "low"})
    launch("refund", {"Flow.orderId": "ORD-9"})
    page = tabs.open(f"{base}/executions")

    page.get_by_label("Search").fill("ord-2")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert page.url.endswith("?q=ord-2")

    page.get_by_label("Search").fill("")
    page.get_by_label("Status").select_option("FAILED")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("Refund check")

    page.get_by_label("Search").fill("nothing like this")
    expect(page.get_by_text("Nothing fits these filters")).to_be_visible()


def test_an_execution_shows_what_it_did(tabs, base, launch):
    """One execution has its inputs, outputs, the path of its run as a drawing, and ids to copy."""
    execution_id = launch.id_of("loyalty", {"Flow.customerId": "C-404"})
    page = tabs.open(f"{base}/executions/{execution_id}", permissions=["clipboard-read", "clipboard-write"])

    expect(page.locator("main")).to_contain_text("The CRM has no such customer.")
    drawing = page.get_by_role("region", name="Drawing of the flow")
    assert drawing.locator("rect.card.ran").count() == 2
    assert drawing.locator("rect.card.ran").first.evaluate("(one) => getComputedStyle(one).stroke") != "none"

    page.get_by_role("button", name="Copy the execution id").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == execution_id


def test_the_clock_moves_a_waiting_run_on(tabs, base, launch, sandbox):
    """Someone who watches a waiting run can move the clock to the moment it goes on."""
    sandbox.freeze()
    execution_id = launch.id_of("loyalty", {"Flow.customerId": "C-2"})
    page = tabs.open(f"{base}/executions/{execution_id}")
    expect(page.locator(".timeline")).to_contain_text("Waits; goes on in 3.0 s")

    page.get_by_role("button", name="Move the clock on to it").click()

    expect(page.get_by_role("status").filter(has_text="The clock moved on")).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("Completed: Found")
    assert "done=" not in page.url


def test_freezing_from_the_page_holds_the_clock(tabs, base, sandbox):
    """The clock's mode is a button, and every open page follows."""
    watching = tabs.open(f"{base}/clock")
    watching.wait_for_selector(LIVE)
    page = tabs.open(f"{base}/clock")

    page.get_by_role("button", name="Freeze").click()

    expect(page.get_by_text("Frozen until it is moved")).to_be_visible()
    expect(watching.get_by_text("Frozen until it is moved")).to_be_visible()


def test_a_reset_asks_first(tabs, base, launch, sandbox):
    """Nothing is forgotten unless the question is answered with yes."""
    launch()
    page = tabs.open(f"{base}/")
    page.get_by_role("button", name="Reset").click()
    dialog = page.get_by_role("dialog", name="Go back to the start?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert len(sandbox.launches()) == 1

    page.get_by_role("button", name="Reset").click()
    dialog.get_by_role("button", name="Reset the sandbox").click()

    expect(page.get_by_text("Everything is as it was at the start.")).to_be_visible()
    assert sandbox.launches() == []


def test_without_scripts_the_question_is_a_page(tabs, base, launch, sandbox):
    """A browser without scripts gets the same question, lists and forms."""
    launch()
    page = tabs.open(f"{base}/", java_script_enabled=False)
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("heading", name="Go back to the start?")).to_be_visible()
    assert len(sandbox.launches()) == 1

    page.get_by_role("button", name="Reset the sandbox").click()

    expect(page.get_by_text("Everything is as it was at the start.")).to_be_visible()
    assert sandbox.launches() == []


def test_a_fault_set_on_the_page_is_played(tabs, base, launch):
    """A fault chosen in the form meets the next call, and the record of requests says so."""
    page = tabs.open(f"{base}/faults")
    page.get_by_label("What happens").select_option("Status")
    page.get_by_label("Settings, as JSON").fill('{"code": 418}')
    page.get_by_role("button", name="Set the fault").click()
    expect(page.get_by_role("row").filter(has_text="code 418")).to_be_visible()

    assert launch().status_code == 418

    page.goto(f"{base}/requests")
    page.get_by_role("link", name="executions.launch").first.click()
    expect(page.locator(".facts").first).to_contain_text("Status")


def test_the_record_of_a_request_has_no_secret(tabs, base, launch):
    """Neither token nor client secret is to be seen on any page about a request."""
    launch()
    page = tabs.open(f"{base}/requests")
    for number in range(page.locator("tbody tr").count()):
        page.goto(f"{base}/requests/{number + 1}")
        text = page.content()
        assert launch.token not in text
        assert "demo-secret" not in text


def test_the_keyboard_reaches_everything(tabs, base, launch):
    """The first stop skips to the content, each stop is visible, and a filter can be used without a mouse."""
    launch()
    page = tabs.open(f"{base}/executions")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    stops = []
    for _ in range(4):
        page.keyboard.press("Tab")
        stop = page.evaluate("""() => { const one = document.activeElement, style = getComputedStyle(one);
          return [one.localName, style.outlineStyle !== "none" && one.getClientRects().length > 0] }""")
        stops.append(stop)
    assert [name for name, _ in stops[:4]] == ["input", "select", "select", "a"]
    assert all(visible for _, visible in stops)


def test_a_live_update_keeps_the_focus(tabs, base, launch):
    """What has the focus keeps it while the list under it changes."""
    first = launch.id_of()
    page = tabs.open(f"{base}/executions")
    page.wait_for_selector(LIVE)
    page.locator(f'a[href$="{first}"]').focus()

    launch()

    expect(page.locator("tbody tr")).to_have_count(2)
    assert page.evaluate("document.activeElement.getAttribute('href')").endswith(first)


def test_a_stopped_sandbox_is_said_to_be_lost(tabs, base, sandbox):
    """When the server is gone the page says that it is not live any more."""
    page = tabs.open(f"{base}/")
    page.wait_for_selector(LIVE)

    sandbox.close()

    expect(page.locator("#pulse-text")).to_have_text("Reconnecting")
    tabs.complaints.clear()


def test_every_page_fits_and_is_accessible(tabs, base, launch):
    """Every page is free of accessibility faults and of sideways scrolling, on a phone, a tablet and a desk;
    in dark its contrasts suffice, too."""
    done = launch.id_of("loyalty", {"Flow.customerId": "C-404"})
    failed = launch.id_of("refund", {"Flow.orderId": "x"})
    paths = ["/", "/executions", f"/executions/{done}", f"/executions/{failed}", "/requests", "/requests/2"]
    paths += ["/flows", "/flows/f0000000-0000-4000-8000-000000000004", "/clock", "/faults", "/nowhere"]
    page = tabs.open(bypass_csp=True)
    for path in paths:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(base + path)
        assert re.search(r" · flowlaunch$", page.title())
        assert axe_violations(page) == [], path
        page.emulate_media(color_scheme="dark")
        assert axe_violations(page, "color-contrast") == [], path
        page.emulate_media(color_scheme="light")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert too_wide(page) == [], f"{path} at {width}"
