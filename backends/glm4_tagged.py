"""A call as GLM-4.5 writes it:

<tool_call>get_weather
<arg_key>city</arg_key>
<arg_value>Bergen</arg_value>
</tool_call>
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

from backends.glm4_calls import NAME_LIMIT
from backends.glm4_reader import Markers, Reader
from backends.glm4_tokens import ASSISTANT, STOPS

CALL, CALL_END = "<tool_call>", "</tool_call>"
KEY, KEY_END = "<arg_key>", "</arg_key>"
VALUE, VALUE_END = "<arg_value>", "</arg_value>"

_ENDS: Final = (*STOPS, ASSISTANT)
_NEXT: Final = {  # what may come after a tag; a key or a value also ends with its segment
    CALL: Markers(KEY, CALL_END),
    KEY: Markers(KEY_END, *_ENDS),
    KEY_END: Markers(VALUE),
    VALUE: Markers(VALUE_END, *_ENDS),
    VALUE_END: Markers(KEY, CALL_END),
}
_NO_TAG: Final = re.compile(r"[^<]*")

Progress = Literal["open", "whole", "broken"]


class TaggedCall:
    """What may be a tagged call, from after its `<tool_call>` on.

    `source` is all that was read of it: its text, should it turn out to be none. `may_be_name`
    says whether a text is a name or the beginning of one, `is_name` whether it is one.
    """

    def __init__(self, may_be_name: Callable[[str], bool], is_name: Callable[[str], bool]) -> None:
        self.name = ""
        self.arguments: list[tuple[str, str]] = []
        self._may_be_name, self._is_name = may_be_name, is_name
        self._source = [CALL]
        self._tag = CALL
        self._content: list[str] = []  # since that tag

    @property
    def source(self) -> str:
        return "".join(self._source)

    def read(self, reader: Reader) -> Progress:
        """Reads on; what can't belong to a call is left to be read as text."""
        while self._tag != CALL_END:
            within = self._tag in (KEY, VALUE)
            tags = _NEXT[self._tag]
            text, tag = reader.until(tags) if within else (reader.match(_NO_TAG), "")
            if not within and not self._fits(text):
                reader.back(len(text))
                return "broken"
            self._source.append(text)
            self._content.append(text)
            tag = tag or reader.match(tags.pattern)
            if tag in _ENDS:
                reader.back(len(tag))
                return "broken"
            if not tag:
                return "open" if reader.waits_for(tags) else "broken"
            self._source.append(tag)
            if not self._take("".join(self._content), tag):
                return "broken"
        return "whole"

    def _fits(self, text: str) -> bool:
        """Whether `text` may stand between two tags, or go on with the name."""
        if self._tag != CALL:
            return not text.strip()
        so_far = "".join(self._content) + text
        return len(so_far) <= 2 * NAME_LIMIT and self._may_be_name(so_far.strip())

    def _take(self, content: str, tag: str) -> bool:
        match self._tag:
            case "<tool_call>":
                self.name = content.strip()
                if not self._is_name(self.name):
                    return False
            case "<arg_key>":
                self.arguments.append((content.strip(), ""))
            case "<arg_value>":
                self.arguments[-1] = (self.arguments[-1][0], content)
        self._tag, self._content = tag, []
        return True
