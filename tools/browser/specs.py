"""How the browser is offered to a model: one function that takes an expression, or five."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.base import ToolSpec
from tools.browser.call import EXAMPLES, NAME

_CITE = "Cite what you use as 【id†exact words of the page】."
_PART = "Pages come in parts, with numbered lines and links as 【id†text†host】."


def native_spec(searched: str) -> ToolSpec:
    """The GLM-4 face. The bundled model's adapter was trained on the first line."""
    lines = [
        f"Read the web: {', '.join(EXAMPLES.values())}",
        f"search lists results with their ids; mclick opens up to 10 of them, or links, at once. "
        f"{_PART} scroll(1) shows the next part, scroll(-1) the one before, scroll(line=80) and "
        'open_url("https://...", line=80) begin at a line; find looks for words in the pages just '
        f"opened. One call at a time. {_CITE}",
    ]
    if not searched:
        lines.append("There is no search service here: only pages can be opened.")
    parameters = {
        "type": "object",
        "properties": {"input": {"type": "string"}},
        "required": ["input"],
    }
    return ToolSpec(NAME, "\n".join(lines), parameters, raw="input")


def function_specs(searched: str) -> list[ToolSpec]:
    """Five functions; `search` is not offered where there is nothing to search with."""
    text, number = {"type": "string"}, {"type": "integer"}
    search = _spec(
        "search",
        "Search the web. Results have ids, which mclick opens.",
        {
            "query": text | {"description": "what to look for, in a few words"},
            "recency_days": number | {"description": "only results of the last so many days"},
        },
        "query",
    )
    opening = [
        _spec(
            "mclick",
            f"Open up to 10 search results or links at once, by their ids. {_PART} {_CITE}",
            {"ids": {"type": "array", "items": number, "description": "for example [0, 2]"}},
            "ids",
        ),
        _spec(
            "open_url",
            f"Open the page at an address. {_PART} {_CITE}",
            {
                "url": text | {"description": "https://..."},
                "line": number | {"description": "the line to begin at, 1 if left out"},
            },
            "url",
        ),
        _spec(
            "find",
            "Find the lines that have some words, in the pages opened last.",
            {
                "pattern": text | {"description": "the words, as they stand in the page"},
                "id": number | {"description": "look in this page instead"},
            },
            "pattern",
        ),
        _spec(
            "scroll",
            "Show another part of the page opened last.",
            {
                "lines": number
                | {"description": "1 for the next part, -1 for the one before, 40 to go 40 lines"},
                "line": number | {"description": "the line to go to, in place of lines"},
                "id": number | {"description": "scroll this page instead"},
            },
        ),
    ]
    return [search, *opening] if searched else opening


def _spec(
    name: str, description: str, properties: Mapping[str, Mapping[str, Any]], *required: str
) -> ToolSpec:
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    parameters |= {"required": list(required)} if required else {}
    return ToolSpec(name, description, parameters | {"additionalProperties": False})
