"""A site: views and forms as tables, rendered, guarded and kept live the same way everywhere."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from flowlaunch.errors import FlowlaunchError
from flowlaunch.pages.answers import Done, Form, Page, PageError, Visitor
from flowlaunch.pages.assets import KIT_FOLDER, Assets
from flowlaunch.pages.formats import FILTERS
from flowlaunch.pages.guard import CSRF_FIELD, read_form, with_security_headers
from flowlaunch.pages.live import EVENT_HEADERS, Changes
from flowlaunch.pages.multipart import read_file_form

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Mapping
    from pathlib import Path

    from starlette.requests import Request

    from flowlaunch.pages.answers import Confirmation
    from flowlaunch.pages.guard import AsgiApp, Guard

    Handler = Callable[[Request], Awaitable[Response]]

__all__ = ["Action", "MenuItem", "Site", "View", "VisitorOf"]

CONFIRMED: Final = "confirmed"
BACK: Final = "back"
_CONVERTER: Final = re.compile(r":\w+(?=\})")
NO_STORE: Final = {"cache-control": "no-store"}
VisitorOf: TypeAlias = "Callable[[Request], Awaitable[Visitor | None]]"
logger = logging.getLogger("flowlaunch.pages")


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An entry of the menu. `right`: what a visitor needs to see it; "" nothing."""

    title: str
    path: str
    icon: str
    right: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A page to look at: its path below the base, and what makes it."""

    path: str
    show: Callable[[Request], Awaitable[Page | Response]]
    right: str = ""
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A form to post.

    Attributes:
        name: how templates call it.
        path: below the base; may have parameters.
        act: carries it out; a page instead of a way on is for what can be shown only once.
        right: what the visitor needs.
        confirm: asked before it is carried out.
        is_public: may be posted without being signed in, and so without a session's token.
        takes_file: the form brings a file.

    """

    name: str
    path: str
    act: Callable[[Request, Form], Awaitable[Done | Page]]
    right: str = ""
    confirm: Confirmation | None = None
    is_public: bool = False
    takes_file: bool = False


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything that one live page is made of.

    Attributes:
        name: in the corner of every page.
        base: path that everything lies under, without a slash at its end.
        templates: folder of the site's own templates.
        version: changes when a page would show something else.
        messages: what a form did, by key; `{n}` is its count.
        visitor_of: who asks; None when that is nobody known. Default: an open site.
        sign_in: path below the base where unknown visitors are sent.
        shared: values for every template.
        style: further rules, served as `site.css`; `files` are further static files.
        explain: turns an exception of the site's own into the page that is shown for it.

    """

    name: str
    base: str
    templates: Path
    guard: Guard
    views: tuple[View, ...]
    actions: tuple[Action, ...]
    menu: tuple[MenuItem, ...]
    version: Callable[[], Awaitable[Hashable]]
    messages: Mapping[str, str] = field(default_factory=dict)
    visitor_of: VisitorOf | None = None
    sign_in: str = ""
    shared: Callable[[Request], Mapping[str, Any]] | None = None
    style: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    explain: Callable[[Exception], PageError | None] | None = None

    @cached_property
    def assets(self) -> Assets:
        """Give the static files."""
        return Assets({**self.files, "site.css": self.style.encode()})

    @cached_property
    def changes(self) -> Changes:
        """Give what open pages listen to."""
        return Changes(self.version)

    @cached_property
    def _environment(self) -> Environment:
        folders = [self.templates, KIT_FOLDER / "templates"]
        environment = Environment(
            loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, auto_reload=False,
        )  # fmt: skip
        environment.filters |= FILTERS
        environment.globals |= {"site": self, "confirmations": {one.name: one.confirm for one in self.actions}}
        return environment

    def app(self) -> AsgiApp:
        """Build the ASGI app; its paths begin with the base."""
        routes = [
            Route(f"{self.base}/assets/{{version}}/{{name}}", self._guarded(self._asset, is_public=True)),
            Route(f"{self.base}/events", self._guarded(self._events)),
            *(Route(f"{self.base}{one.path}", self._viewing(one)) for one in self.views),
            *(Route(f"{self.base}{one.path}", self._acting(one), methods=["POST"]) for one in self.actions),
        ]
        missing: dict[Any, Any] = {404: self._missing, 405: self._missing}
        return with_security_headers(Starlette(routes=routes, exception_handlers=missing))

    def stop(self) -> None:
        """End the streams of open pages; to be called in the serving thread."""
        self.changes.stop()

    def address(self, name: str, **params: Any) -> str:
        """Give the address of a form's action."""
        path = _CONVERTER.sub("", next(one.path for one in self.actions if one.name == name))
        return self.base + path.format(**{key: quote(str(value), safe="") for key, value in params.items()})

    def asset(self, name: str) -> str:
        """Give the address of a static file."""
        return f"{self.base}/assets/{self.assets.version}/{name}"

    # -- answering ------------------------------------------------------------------------------------------

    def _viewing(self, view: View) -> Handler:
        async def show(request: Request) -> Response:
            self._check_right(request, view.right)
            page = await view.show(request)
            return self._page(request, page) if isinstance(page, Page) else page

        return self._guarded(show, is_public=view.is_public)

    def _acting(self, action: Action) -> Handler:
        async def act(request: Request) -> Response:
            self._check_right(request, action.right)
            form = await (read_file_form if action.takes_file else read_form)(request)
            if not action.is_public:
                self.guard.check_token(request.state.visitor.session, form.text(CSRF_FIELD))
            back = self._own(form.text(BACK))
            if action.confirm is not None and form.text(CONFIRMED) != "yes":
                values = {"confirmation": action.confirm, "fields": form, "back": back}
                return self._page(request, Page("kit/confirm.html", values))
            done = await action.act(request, form)
            return self._page(request, done) if isinstance(done, Page) else self._onward(done, back)

        return self._guarded(act, is_public=action.is_public)

    def _onward(self, done: Done, back: str) -> Response:
        target = back if done.to is None else self.base + done.to
        if done.message:
            bare = target.partition("#")[0]
            target = f"{bare}{'&' if '?' in bare else '?'}done={done.message}&n={done.count}"
        answer = RedirectResponse(target, 303, headers=NO_STORE)
        for cookie in done.cookies:
            answer.headers.append("set-cookie", cookie)
        return answer

    def _own(self, address: str) -> str:
        """Keep only an address of this site, for a redirect must not lead elsewhere."""
        is_own = address.startswith(f"{self.base}/") and not address.startswith("//") and "\\" not in address
        return address if is_own and address.isprintable() else f"{self.base}/"

    def _check_right(self, request: Request, right: str) -> None:
        if not request.state.visitor.can(right):
            raise PageError(403, "Your key may not do this", f"It lacks the scope {right}.", "Sign in with another.")

    def _guarded(self, handler: Handler, *, is_public: bool = False) -> Handler:
        """Check a request, find out who asks, and turn what goes wrong into a page."""

        async def answer(request: Request) -> Response:
            request.state.visitor = Visitor()
            try:
                self.guard.check(request)
                visitor = await self.visitor_of(request) if self.visitor_of is not None else Visitor()
                if visitor is None and not is_public:
                    return self._to_sign_in(request)
                request.state.visitor = visitor or Visitor(may=frozenset())
                return await handler(request)
            except Exception as error:  # noqa: BLE001 - each becomes a page; what is unexpected is logged
                return self._refusal(request, self._explained(request, error))

        return answer

    def _explained(self, request: Request, error: Exception) -> PageError:
        explained = self.explain(error) if self.explain is not None else None
        if explained is not None or isinstance(error, PageError):
            return explained or cast("PageError", error)
        if isinstance(error, FlowlaunchError):
            said = str(error).removesuffix(f"\n  hint: {error.hint}")
            return PageError(409, "This did not work", said, error.hint or "")
        logger.error("the page failed at %s %s", request.method, request.url.path, exc_info=error)
        return PageError(500, "This page failed", "The log of the server has the details; nothing more is known here.")

    def _to_sign_in(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"} or request.url.path.endswith("/events"):
            return self._refusal(request, PageError(401, "You are signed out", "", "Sign in and try again."))
        return RedirectResponse(self.base + self.sign_in, 303, headers=NO_STORE)

    async def _missing(self, request: Request, error: Exception) -> Response:
        async def refuse(_request: Request) -> Response:
            status = error.status_code if isinstance(error, HTTPException) else 404
            raise PageError(status, "There is no such page", request.url.path)

        return await self._guarded(refuse, is_public=True)(request)

    def _refusal(self, request: Request, error: PageError) -> Response:
        return self._page(request, Page("kit/error.html", {"error": error}, error.status))

    def _page(self, request: Request, page: Page) -> Response:
        visitor: Visitor = request.state.visitor
        query = request.query_params
        said = self.messages.get(query.get("done", ""), "")
        number = query.get("n", "")
        address = self.base + page.address if page.address else ""
        values = {
            "request": request,
            "path": request.url.path,
            "address": address,
            "here": address or _here(request),
            "visitor": visitor,
            "csrf": self.guard.token(visitor.session),
            "said": said.replace("{n}", f"{int(number):,}" if number.isdecimal() and len(number) < 12 else "0"),
            **(self.shared(request) if self.shared is not None else {}),
            **page.values,
        }
        text = self._environment.get_template(page.template).render(values)
        return HTMLResponse(text, page.status, headers=NO_STORE)

    async def _asset(self, request: Request) -> Response:
        return self.assets.answer(request.path_params["version"], request.path_params["name"])

    async def _events(self, request: Request) -> Response:
        del request
        self.changes.admit()
        return StreamingResponse(self.changes.stream(), media_type="text/event-stream", headers=EVENT_HEADERS)


def _here(request: Request) -> str:
    """Give the address of a page without what the last form said."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in {"done", "n"}]
    return request.url.path + (f"?{urlencode(kept)}" if kept else "")
