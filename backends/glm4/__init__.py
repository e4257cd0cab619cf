"""The GLM-4 text protocol, pure: messages to prompt, and the model's text to events.

A prompt is `[gMASK]<sop>`, then for each turn its role token, a line of metadata (empty, or the
tool's name where the turn is a call), and the content. The model's answer has the same form:

    <|assistant|>                       the prompt ends here
    \\n                                  no metadata: this is text
    It is raining in Bergen.
    <|assistant|>get_weather\\n          a name: this is a call
    {"city": "Bergen"}
    <|observation|>                     generation stops

`render` writes a prompt (`turns` and `system_text` are its parts, for engines that take messages),
`Parser` reads an answer. `defuse` turns special tokens in untrusted text into plain text.
"""

from backends.glm4.parser import Parser
from backends.glm4.prompt import Turn, render, system_text, tool_prompt, turns
from backends.glm4.tokens import defuse, special_tokens

__all__ = [
    "Parser",
    "Turn",
    "defuse",
    "render",
    "special_tokens",
    "system_text",
    "tool_prompt",
    "turns",
]
