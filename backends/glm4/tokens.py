"""The control tokens of the GLM-4 family, and `defuse`, which makes them plain text."""

from __future__ import annotations

import re
from typing import Final

WORD_JOINER: Final = "\u2060"  # invisible, no line break, kept by all tokenizers

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
    # additional tokens of GLM-4.1V and GLM-4.5
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
"""All control tokens: no two overlap, and none has a second `<` or `[`."""

_SPECIAL = re.compile("|".join(map(re.escape, special_tokens)))


def defuse(text: str) -> str:
    """`text` with an invisible U+2060 after the first character of each special token.

    A server tokenizes the whole prompt, so that a special token in a user's message or on a web
    page would begin a turn of another role. Other text stays unchanged; idempotent.
    """
    return _SPECIAL.sub(lambda token: token[0][0] + WORD_JOINER + token[0][1:], text)
