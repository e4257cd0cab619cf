"""Messages and tools as a GLM-4 prompt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from backends.glm4.tokens import ASSISTANT, PROMPT_START, defuse
from backends.messages import Message
from tools.base import ToolCall, ToolError, ToolSpec

TurnRole = Literal["system", "user", "assistant", "observation"]

# The kinds of results in GLM-4's training; other results have no metadata.
_RESULT_KIND: Final[Mapping[str, str]] = {"simple_browser": "browser_result"}


@dataclass(frozen=True)
class Turn:
    """A role token and its content. `metadata` is one line: a call's tool, else mostly empty."""

    role: TurnRole
    metadata: str
    content: str


def tool_prompt(tools: Sequence[ToolSpec]) -> str:
    """The section of the system message that offers the tools, empty without any."""
    if not tools:
        return ""
    return "\n\n".join(["# 可用工具", *(_tool_section(spec) for spec in tools)])


def _tool_section(spec: ToolSpec) -> str:
    if spec.raw is not None:
        body = spec.description.strip()
        how = f"调用时，在工具名的下一行直接写出 {spec.raw} 的内容本身，不要写成 JSON。"
    else:
        definition = {
            "name": spec.name,
            "description": spec.description,
            "parameters": spec.parameters,
        }
        body = json.dumps(definition, ensure_ascii=False, indent=4)
        how = "调用这个函数时，请把参数写成一个 JSON 对象。"
    return f"## {spec.name}\n\n{body}\n\n{how}"


def system_text(system: str, tools: Sequence[ToolSpec]) -> str:
    """The system message: who the assistant is (`system`, with the date if wanted), the tools."""
    return defuse("\n\n".join(part for part in (system.strip(), tool_prompt(tools)) if part))


def turns(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[Turn]:
    """A conversation as GLM-4 turns, with no special token left in any of them.

    Leading system messages and the tools become one turn. Of a message's parts a turn has the
    text, and a line for each file. An empty answer has no turn.
    """
    front = 0
    while front < len(messages) and messages[front].role == "system":
        front += 1
    system = system_text("\n\n".join(message.text for message in messages[:front]), tools)
    made = [Turn("system", "", system)] if system else []
    specs = {spec.name: spec for spec in tools}
    for message in messages[front:]:
        made.extend(_turns_of(message, specs))
    return made


def _turns_of(message: Message, specs: Mapping[str, ToolSpec]) -> list[Turn]:
    match message.role:
        case "assistant":
            text = message.text
            answer = [Turn("assistant", "", defuse(text))] if text.strip() else []
            return answer + [
                Turn("assistant", _line(call.name), defuse(_input(call, specs.get(call.name))))
                for call in message.calls
            ]
        case "tool":
            result = message.result
            kind = _RESULT_KIND.get(result.name, "") if result else ""
            return [Turn("observation", kind, defuse(result.text if result else message.text))]
        case role:
            return [Turn(role, "", defuse(message.prompt))]


def _line(name: str) -> str:
    return defuse(" ".join(name.split()))


def _input(call: ToolCall, spec: ToolSpec | None) -> str:
    """A call's input in the tool's present format; another model may have used the other one."""
    if spec is None or call.raw == spec.raw:
        return call.input
    try:
        arguments = call.arguments()
    except ToolError:
        return call.input
    if spec.raw is None:
        return json.dumps(arguments, ensure_ascii=False)
    value = arguments.get(spec.raw, call.input)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def render(messages: Sequence[Message], tools: Sequence[ToolSpec], begins: str = "") -> str:
    """The complete prompt, for engines that take raw text and know the special tokens.

    `begins` is a forced beginning of the answer, such as `"python\\n"` for a call of that tool;
    `Parser` takes the same.
    """
    parts = (f"<|{turn.role}|>{turn.metadata}\n{turn.content}" for turn in turns(messages, tools))
    return PROMPT_START + "".join(parts) + ASSISTANT + begins
