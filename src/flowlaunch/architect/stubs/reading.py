"""Reading checked parts of a YAML document: mappings with known fields, lists, texts and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlaunch.architect.nodes import did_you_mean
from flowlaunch.architect.stubs.conditions import Condition, ConditionError, read_condition
from flowlaunch.architect.stubs.filling import TemplateError, check_query, templates_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowlaunch.architect.stubs.places import Document, Path
    from flowlaunch.errors import FlowError

__all__ = ["Reader"]

_KINDS = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


class Reader:
    """Reads one document; every refusal names the place, and is of the class given."""

    def __init__(self, document: Document, error: type[FlowError]) -> None:
        self.document = document
        self._error = error

    def refuse(self, path: Path, message: str, hint: str = "") -> FlowError:
        """Make the error for something wrong at `path`."""
        span = self.document.span(path)
        where = "" if span is not None else f"{self.document.place(path)}: "
        return self._error(f"{where}{message}", span=span, hint=hint)

    def mapping(self, value: Any, path: Path, what: str) -> dict[str, Any]:
        """Take a mapping with text keys; nothing at all is an empty one."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.refuse(path, f"{what} must be a mapping (`key: value`), not {self.kind(value)}")
        return {str(key): item for key, item in value.items()}

    def fields(self, value: Any, path: Path, what: str, known: Iterable[str]) -> dict[str, Any]:
        """Take a mapping that has known fields only."""
        found = self.mapping(value, path, what)
        names = list(known)
        for key in found:
            if key not in names:
                raise self.refuse((*path, key), f"{what} has no field `{key[:80]}`", did_you_mean(key, names))
        return found

    def items(self, value: Any, path: Path, what: str) -> list[Any]:
        """Take a list; nothing at all is an empty one."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.refuse(path, f"{what} must be a list (`- item`), not {self.kind(value)}")
        return value

    def text(self, value: Any, path: Path, what: str) -> str:
        """Take text; a number or boolean counts as its text."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | float):
            return str(value)
        raise self.refuse(path, f"{what} must be text, not {self.kind(value)}")

    def flag(self, value: Any, path: Path, what: str) -> bool:
        """Take true or false; nothing at all is false."""
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self.refuse(path, f"{what} must be true or false, not {self.kind(value)}")

    def seconds(self, value: Any, path: Path, what: str) -> float:
        """Take a number of seconds that is not negative; nothing at all is none."""
        if value is None:
            return 0.0
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise self.refuse(path, f"{what} must be a number of seconds, not {value!r}")
        return float(value)

    def choice(self, value: Any, path: Path, what: str, known: Iterable[str]) -> str:
        """Take one of the known words."""
        names = list(known)
        if value in names:
            return str(value)
        raise self.refuse(path, f"{what} cannot be {value!r}", did_you_mean(str(value), names, "Write one of"))

    def conditions(self, value: Any, path: Path, what: str) -> Mapping[str, Condition]:
        """Take name -> condition."""
        pairs = self.mapping(value, path, what)
        return {name: self.condition(item, (*path, name), f"{what}, {name}") for name, item in pairs.items()}

    def condition(self, value: Any, path: Path, what: str) -> Condition:
        """Take one condition."""
        try:
            return read_condition(value)
        except ConditionError as error:
            raise self.refuse(path, f"{what}: {error}") from error

    def query(self, value: Any, path: Path, what: str) -> str:
        """Take a JMESPath expression; nothing at all is an empty one."""
        if value is None:
            return ""
        query = self.text(value, path, what)
        self._parse(query, path, what)
        return query

    def templated(self, value: Any, path: Path, what: str) -> Any:
        """Take a JSON value whose templates can all be parsed."""
        for expression in templates_in(value):
            self._parse(expression, path, what)
        return value

    def _parse(self, expression: str, path: Path, what: str) -> None:
        try:
            check_query(expression)
        except TemplateError as error:
            raise self.refuse(path, f"{what}: {error}", "See jmespath.org; names with dashes need quotes.") from error

    @staticmethod
    def kind(value: Any) -> str:
        """Name the kind of a JSON value for messages."""
        return "nothing" if value is None else _KINDS.get(type(value), type(value).__name__)
