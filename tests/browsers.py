"""Tests in a real browser: one Chromium for all of them, driven from a thread of its own.

Playwright keeps an event loop running in the thread that drives it, where no asyncio test could run any more. So a
test marked `browser` runs in one other thread, and so does everything that touches its pages.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, LocatorAssertions, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 40_000
IS_REQUIRED = os.environ.get("FLOWLAUNCH_BROWSER") == "required"
MISSING = "no Chromium was found; install Debian's package `chromium`"
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
_thread = ThreadPoolExecutor(1, "browser")
_left_out = pytest.StashKey[int]()


def found() -> str | None:
    """Find a Chromium by name."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def _note(config: pytest.Config) -> str:
    count = config.stash.get(_left_out, 0)
    return f"{count} browser tests not run: {MISSING}. `make browser` runs them and insists." if count else ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave browser tests out where there is no browser, loudly; refuse when they are required."""
    marked = [item for item in items if item.get_closest_marker("browser")]
    if not marked or found() is not None:
        return
    if IS_REQUIRED:
        raise pytest.UsageError(f"{len(marked)} browser tests are required, but {MISSING}")
    config.stash[_left_out] = len(marked)
    config.hook.pytest_deselected(items=marked)
    items[:] = [item for item in items if not item.get_closest_marker("browser")]


def pytest_report_collectionfinish(config: pytest.Config) -> str:
    """Say in the header what is left out."""
    return _note(config)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say again at the end what was left out."""
    note = _note(config)
    if note:
        terminalreporter.write_line(note, yellow=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a browser test in the browser's thread."""
    if pyfuncitem.get_closest_marker("browser") is None:
        return None
    names = pyfuncitem._fixtureinfo.argnames
    given = {name: pyfuncitem.funcargs[name] for name in names}
    _thread.submit(pyfuncitem.obj, **given).result()
    return True


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for the whole run, with a home of its own."""
    from playwright.sync_api import sync_playwright

    home = str(tmp_path_factory.mktemp("browser"))
    env = {"PATH": os.environ["PATH"], "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}

    def start() -> tuple[Any, Browser]:
        driver = sync_playwright().start()
        return driver, driver.chromium.launch(executable_path=found(), env=env)

    driver, browser = _thread.submit(start).result()
    yield browser

    def stop() -> None:
        browser.close()
        driver.stop()

    _thread.submit(stop).result()


class Tabs:
    """Opens pages for one test and remembers what browsers complain about."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, address: str = "", **options: Any) -> Page:
        """Open a page in a context of its own; options are Playwright's for contexts."""
        size = {"width": 1280, "height": 800}
        context = self._browser.new_context(
            **{"viewport": size, "timezone_id": "UTC", "reduced_motion": "reduce", **options}
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(REPORT_VIOLATIONS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("pageerror", lambda error: self._hear("error", str(error)))
        if address:
            page.goto(address)
        return page

    def _hear(self, kind: str, text: str) -> None:
        """Keep errors and warnings; that a page was answered with an error status is the test's to judge."""
        if kind in {"error", "warning"} and not text.startswith("Failed to load resource"):
            self.complaints.append(text)

    def close(self) -> None:
        """Close every page."""
        for context in self._contexts:
            context.close()


@pytest.fixture
def tabs(chromium: Browser) -> Iterator[Tabs]:
    """Pages for one test; a broken policy, a script's error or a warning fails it."""
    opened = Tabs(chromium)
    yield opened
    _thread.submit(opened.close).result()
    assert opened.complaints == []


def expect(locator: Locator) -> LocatorAssertions:
    """Wait for what a locator becomes, also on a busy machine."""
    from playwright.sync_api import expect as wait_for

    wait_for.set_options(timeout=PATIENCE_MS)
    return wait_for(locator)


def axe_violations(page: Page, *rules: str) -> list[str]:
    """Check a page with axe-core, by all its rules or those named; the page's policy must be bypassed."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else None
    found_ = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {one['help']} at {node['target']}" for one in found_ for node in one["nodes"]]


WIDTHS: tuple[int, ...] = (360, 768, 1280)
OUTSIDE = """() => [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right >
  innerWidth + 1 && !one.closest(".picture, .menu, pre, .scroll"))
  .map((one) => one.outerHTML.slice(0, 120)).slice(0, 3)"""


def too_wide(page: Page) -> list[str]:
    """List what sticks out of the page to the right."""
    return page.evaluate(OUTSIDE) if page.evaluate("document.documentElement.scrollWidth > innerWidth") else []
