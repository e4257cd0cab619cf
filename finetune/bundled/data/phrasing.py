"""Varies how requests begin and end, and how names are written."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

_GENERIC = {"get", "find", "search", "look", "up", "show", "list", "calculate", "compute", "fetch", "set", "create", "add",
            "new", "of", "the", "to", "by", "for", "in", "start", "make", "check", "update", "calc", "open"}  # fmt: skip
FAILURES = {
    "the service is not available": "the service is not available right now",
    "permission denied": "permission was denied",
    "timeout after 30 s": "it took too long",
    "no connection": "there is no connection",
    "not found": "it was not found",
    "invalid request": "the request was not accepted",
    "quota exceeded": "the quota is used up",
    "internal server error": "the server had an error",
}
NO_TOOL = [
    "None of my tools can do that.",
    "I have no tool for that.",
    "None of the tools I have fits that, so I can't do it.",
    "That is beyond my tools, sorry.",
    "Sorry, I can't do that with the tools I have.",
]
NO_TOOL_ZH = "抱歉，我没有能做这件事的工具。"
PLEASE = [
    "Can you {ask}?",
    "Could you {ask}?",
    "Please {ask}",
    "{ask}, please",
    "I'd like you to {ask}",
    "{ask} for me",
    "Would you {ask}?",
    "I need you to {ask}",
]
GREETINGS = [
    "Hi, {ask}",
    "Hey! {Ask}",
    "Quick one: {ask}",
    "OK, {ask}",
    "Hello. {Ask}",
    "Now {ask}",
    "One more thing: {ask}",
    "{Ask} Thanks!",
]


def is_chinese(text: str) -> bool:
    return bool(re.search(r"[\u4e00-\u9fff]", text))


IMPERATIVE = re.compile(r"(Find|Search|Show|Get|Give|Book|Reserve|Set|Send|Create|Add|Tell|Look|Check|Calculate|Compute|Convert|Schedule|"
                         r"Start|Stop|Turn|Play|Order|Buy|Translate|List|Make|Put|Delete|Remove|Move|Copy|Open|Close|Cancel|Change|Update|"
                         r"Write|Read|Save|Log|Record|Register|Rent|Hire|Lock|Plan|Call|Switch|Note|Share|Upload|Download|Merge|Rename|Resize|Compress|Restart|Deploy|Block|Draw|Mark|Rate|Vote|Measure|Request|Prepare|Track|Transfer|Pay|Post|Run|Remind|Invite|Assign|Estimate|Work out)\b")  # fmt: skip

_QUESTION = re.compile(
    r"(What|What's|How|Where|Which|Is|Are|Who|When|Does|Do|Did|Has|Have|Will|Am|Why|Any|My|The|In|At|From|For|On|We|With|New|There|A|An|Was)\b"
)


def worded(r: Random, ask: str) -> str:
    """A random variation of how a request begins and ends."""
    if is_chinese(ask):
        return (
            r.choice(["请", "帮我", ""]) + ask
            if r.random() < 0.15 and not ask.endswith("？")
            else ask
        )
    first = IMPERATIVE.match(ask)
    low = ask[0].lower() + ask[1:] if first or _QUESTION.match(ask) else ask
    chance = r.random()
    if first and chance < 0.2 and not ask.endswith(("?", "!")) and ": " not in ask:
        return _sentence(r.choice(PLEASE).replace("{ask}", low.rstrip(".")))
    if 0.2 < chance < 0.26:
        closing = ask if ask.endswith(("?", ".", "!")) else f"{ask}."
        return r.choice(GREETINGS).replace("{ask}", low).replace("{Ask}", closing)
    if 0.26 < chance < 0.4:
        return ask.rstrip("?.")
    if 0.4 < chance < 0.5 and ask[-1].isalnum():
        return f"{ask}."
    return ask


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def shortened(r: Random, name: str) -> str:
    verb, _, rest = name.partition("_")
    return (
        rest
        if rest and verb in ("get", "find", "search", "calculate") and r.random() < 0.12
        else name
    )


def style(r: Random) -> Callable[[str], str]:
    """A random style for the names of a function: snake_case, camelCase or kebab-case."""
    chance = r.random()
    if chance < 0.8:
        return str
    if chance < 0.97:
        return lambda name: re.sub(r"_(\w)", lambda found: found[1].upper(), name)
    return lambda name: name.replace("_", "-")


def words_of(name: str) -> set[str]:
    """The words of a name, without generic ones such as `get`."""
    parts = re.split(r"[_\W]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name))
    return {part.lower().rstrip("s") for part in parts if part} - _GENERIC
