"""A model's Markdown on its way to the page."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.markdown import drawable, prepared, split_blocks

MARKS = ["`", "``", "```", "~~~", "$", "$$", "\\(", "\\)", "\\[", "\\]", "\\", "```python\n"]
OTHERS = ["a", "5", " ", "\n", "\n\n", "- ", "> ", "x + y", "\ud83d", "\ude00", "\x00", "\u2028"]
MARKDOWNISH = st.lists(st.sampled_from([*MARKS, *OTHERS]), max_size=60).map("".join)


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        (r"so \(a+b\) is", "so $a+b$ is"),
        (r"so \( a+b \) is", "so $a+b$ is"),
        (r"\[ a \\[4pt] b \]", "$$\na \\\\[4pt] b\n$$"),
        (r"so \[ a \\[4pt] b \]", r"so $$ a \\[4pt] b $$"),
        ("\\[\na\n\\]", "$$\na\n$$"),
        ("already $a$ and $$b$$", "already $a$ and $$b$$"),
        (r"\(\text{cost } x\)", r"$\text{cost } x$"),
    ],
)
def test_math_becomes_dollars(text: str, drawn: str) -> None:
    assert prepared(text) == drawn


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("$5 and $10", r"\$5 and \$10"),
        ("from $5 to 7 and a lone $", r"from \$5 to 7 and a lone \$"),
        (r"escaped \$5 stays", r"escaped \$5 stays"),
        ("it was US$ 20", r"it was US\$ 20"),
        ("$5\nand 10$", "\\$5\nand 10\\$"),
        (r"an open \(a", r"an open \(a"),
        ("one \\(a\n\nand b\\) elsewhere", "one \\(a\n\nand b\\) elsewhere"),
        (r"a literal \\(x\\)", r"a literal \\(x\\)"),
    ],
)
def test_what_is_no_math_stays_text(text: str, drawn: str) -> None:
    assert prepared(text) == drawn


@pytest.mark.parametrize(
    "code",
    [
        r"`\(a\) costs $5`",
        r"``a ` \(b\) $5``",
        "```python\nprint('$5', r'\\(a\\)')\n```",
        "```python\nprint('$5')\n\nprint('$6')\n",
        "~~~\n$5\n```\n$6\n~~~",
        "````\n```\n$5\n```\n$6\n````",
        "- item\n\n  ```sh\n  echo $HOME\n\n  echo $5\n  ```",
        "1. ```sh\n   echo $HOME\n\n   echo $5\n   ```",
        "> ```\n> $5\n> ```",
    ],
)
def test_code_is_untouched(code: str) -> None:
    assert prepared(code) == code


def test_text_after_code_is_prose_again() -> None:
    assert prepared("```\n$5\n```\n$5 `$5` $5") == "```\n$5\n```\n\\$5 `$5` \\$5"


def test_a_lone_tick_hides_nothing_in_later_paragraphs() -> None:
    assert prepared("a ` tick\n\n\\(x\\)\n\nanother ` tick") == (
        "a ` tick\n\n$x$\n\nanother ` tick"
    )


def test_ticks_within_a_line_open_no_block() -> None:
    assert prepared("```a``` costs\n\n$5") == "```a``` costs\n\n\\$5"


def test_html_is_left_to_the_escaping_of_the_page() -> None:
    assert prepared("<script>alert(1)</script>") == "<script>alert(1)</script>"


def test_halves_of_characters_and_control_characters_are_replaced() -> None:
    assert drawable("\ud83d\ude00 \ud83d \x00\x07\x1b[31m\tok\r\n") == "😀 � ���[31m\tok\r\n"
    assert drawable("\u202eright to left\u202c") == "\u202eright to left\u202c"


@given(MARKDOWNISH)
def test_whatever_it_is_it_can_be_sent_and_loses_no_words(text: str) -> None:
    drawn = prepared(text)
    drawn.encode("utf-8")
    words = re.compile(r"[^\w+]")
    assert words.sub("", drawn) == words.sub("", drawable(text))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit",
    [
        *MARKS,
        *OTHERS,
        "$a",
        "$a ",
        "\\$",
        "$$a ",
        "`a ``",
        "\\(a\n",
        "~~~ `\n",
        "\\[\\(",
        "a\n \n",
        "$\\",
    ],
)
def test_long_hostile_text_takes_no_longer_than_its_length(unit: str) -> None:
    """200,000 characters: what is quadratic takes minutes here."""
    text = (unit * 200_000)[:200_000]
    prepared(text)
    assert "".join(split_blocks(text)) == text


@pytest.mark.timeout(20)
def test_ticks_of_every_length_take_no_longer_either() -> None:
    text = " ".join("`" * length for length in range(1, 630))
    assert prepared(text) == text


@given(MARKDOWNISH, st.integers(1, 40))
def test_splitting_loses_nothing(text: str, size: int) -> None:
    pieces = split_blocks(text, size)
    assert "".join(pieces) == text
    assert all(pieces) or pieces == [""]


@given(
    st.lists(st.sampled_from(["a", "", "```py", "```", "~~~", "  ````", "\x0b```"]), max_size=30)
)
def test_no_cut_is_inside_a_fence(lines: list[str]) -> None:
    text = "\n".join(lines)
    pieces = split_blocks(text, 1)
    for at in range(1, len(pieces)):
        before = "".join(pieces[:at])
        # A dollar in code is left alone, so it tells where the cut fell.
        assert prepared(before + "$").endswith(r"\$")


def test_a_growing_text_keeps_its_first_pieces() -> None:
    text = "".join(f"Paragraph {n} of a long answer.\n\n" for n in range(200))
    whole = split_blocks(text, 500)
    assert len(whole) > 5
    for end in range(0, len(text), 333):
        pieces = split_blocks(text[:end], 500)
        assert pieces[:-1] == whole[: len(pieces) - 1]
