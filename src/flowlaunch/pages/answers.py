"""What a view gives back: a page, a way on after a form, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

__all__ = ["Confirmation", "Done", "Form", "Page", "PageError", "PostedFile", "Visitor"]


@dataclass(frozen=True, slots=True)
class Page:
    """A template and what it shows.

    `address`, for the answer to a form: the path below the base at which the page goes on, so that looking at it
    again posts nothing again.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    address: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """A form was carried out.

    Attributes:
        message: key of the site's messages, shown on the page that follows; "": none.
        count: number for the message's `{n}`.
        to: path below the site's base to go on to; None: back to the page of the form.
        cookies: whole `Set-Cookie` values.

    """

    message: str = ""
    count: int = 0
    to: str | None = None
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is asked before something that cannot be undone."""

    title: str
    text: str
    verb: str


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the page.

    Attributes:
        name: shown in the corner; "" where nobody signs in.
        session: what CSRF tokens are bound to.
        may: names of what the visitor may do; None: everything.
        caller: whoever the site itself knows the visitor as.

    """

    name: str = ""
    session: str = ""
    may: frozenset[str] | None = None
    caller: Any = None

    def can(self, right: str) -> bool:
        """Tell whether the visitor has a right; "" needs none."""
        return not right or self.may is None or right in self.may


class PageError(Exception):
    """A request that gets a page with an explanation instead of an answer."""

    def __init__(self, status: int, title: str, detail: str = "", hint: str = "") -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status = status
        self.title = title
        self.detail = detail
        self.hint = hint


@dataclass(frozen=True, slots=True)
class PostedFile:
    """A file as it comes with a form; `content` is read once, and before the form is answered."""

    name: str
    content: AsyncIterator[bytes]


class Form:
    """The fields of a posted form, each a text, and the file that came with it."""

    def __init__(self, fields: Mapping[str, str], file: PostedFile | None = None) -> None:
        self._fields = fields
        self.file = file

    def items(self) -> Iterable[tuple[str, str]]:
        """Give every field as it came."""
        return self._fields.items()

    def text(self, name: str) -> str:
        """Give a field without blanks around it; "" when it is missing."""
        return self._fields.get(name, "").strip()

    def number(self, name: str, *, least: float, most: float) -> float:
        """Give a field as a number within bounds, or refuse the form."""
        given = self.text(name)
        try:
            value = float(given)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise PageError(400, "This is not a usable number", f"{name} must be from {least:g} to {most:g}.")
        return value

    def whole(self, name: str, *, least: int, most: int) -> int:
        """Give a field as a whole number within bounds, or refuse the form."""
        value = self.number(name, least=least, most=most)
        if value != int(value):
            raise PageError(400, "This is not a usable number", f"{name} must be a whole number.")
        return int(value)

    def choice(self, name: str, allowed: Mapping[str, Any] | frozenset[str] | tuple[str, ...]) -> str:
        """Give a field that is one of the allowed texts, or refuse the form."""
        given = self.text(name)
        if given not in allowed:
            raise PageError(400, "This is not a choice", f"{name} must be one of {', '.join(sorted(allowed))}.")
        return given
