"""JSON read an element at a time: a large file is never whole in memory as objects, and what comes
before a damaged place is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from app.core.exchange.imports.drafts import BadImport

_SPACE = re.compile(r"[ \t\r\n]*")
_decoder = json.JSONDecoder()


class Broken(BadImport):
    """The text stops being JSON here; the message is one sentence."""

    def __init__(self, sentence: str = "The file is damaged or cut short.") -> None:
        super().__init__(sentence)


class JsonText:
    """A text, and the place up to which it was read. All methods raise `Broken`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        found = _SPACE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return self._text[self._at : self._at + 1]

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        try:
            value, self._at = _decoder.raw_decode(self._text, self._at)
        except RecursionError:
            raise Broken("The file is nested too deeply.") from None
        except ValueError:
            raise Broken() from None
        return value

    def elements(self) -> Iterator[Any]:
        """The elements of the array that comes next."""
        for _ in self._parts("[", "]"):
            yield self.value()

    def members(self, large: str) -> Iterator[tuple[str, Any]]:
        """The members of the object that comes next; the elements of an array that is the value of
        `large` come one by one."""
        for _ in self._parts("{", "}"):
            name = self.value()
            if not isinstance(name, str):
                raise Broken()
            self._take(":")
            if name == large and self.peek() == "[":
                for element in self.elements():
                    yield name, element
            else:
                yield name, self.value()

    def _parts(self, opening: str, closing: str) -> Iterator[None]:
        """Stops at each part of an array or object, which is then to be read."""
        self._take(opening)
        if self.peek() == closing:
            self._take(closing)
            return
        while True:
            yield
            if self.peek() == closing:
                self._take(closing)
                return
            self._take(",")

    def _take(self, character: str) -> None:
        if self.peek() != character:
            raise Broken()
        self._at += 1
