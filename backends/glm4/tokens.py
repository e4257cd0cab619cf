"""The control tokens of the GLM-4 family, and how other people's text is kept from using them."""

from __future__ import annotations

import re
from typing import Final

WORD_JOINER: Final = "\u2060"  # invisible, no line break, and no tokenizer drops it

SYSTEM: Final = "<|system|>"
USER: Final = "<|user|>"
ASSISTANT: Final = "<|assistant|>"
OBSERVATION: Final = "<|observation|>"
END: Final = "<|endoftext|>"
PROMPT_START: Final = "[gMASK]<sop>"

STOPS: Final = (END, USER, OBSERVATION)
"""Generation stops at these (151329, 151336, 151338)."""

BOX: Final = ("<|begin_of_box|>", "<|end_of_box|>")

special_tokens: Final[tuple[str, ...]] = (
    # GLM-4-9B, ids 151329 to 151340
    END,
    "[MASK]",
    "[gMASK]",
    "[sMASK]",
    "<sop>",
    "<eop>",
    SYSTEM,
    USER,
    ASSISTANT,
    OBSERVATION,
    "<|begin_of_image|>",
    "<|end_of_image|>",
    # what the tokenizers of GLM-4.1V and GLM-4.5 have besides
    "<|begin_of_video|>",
    "<|end_of_video|>",
    "<|begin_of_audio|>",
    "<|end_of_audio|>",
    "<|begin_of_transcription|>",
    "<|end_of_transcription|>",
    "<|code_prefix|>",
    "<|code_middle|>",
    "<|code_suffix|>",
    "<|image|>",
    "<|video|>",
    *BOX,
)
"""Every control token: no two overlap, and none holds a second `<` or `[`."""

_SPECIAL = re.compile("|".join(map(re.escape, special_tokens)))


def defuse(text: str) -> str:
    """`text` with an invisible U+2060 after the first character of each special token.

    A server tokenizes the whole prompt, so that a token typed by a user, or read from a web
    page, would change the role. All else stays as it is; a second time changes nothing.
    """
    return _SPECIAL.sub(lambda token: token[0][0] + WORD_JOINER + token[0][1:], text)
