"""A model's Markdown on its way to the page."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.core.rendering.nesting import is_too_deep
from app.ui.elements.markdown import drawable, escaped, prepared, shown_name, split_blocks, words

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


TRAPS = [
    "[here](javascript:alert(1))",
    "[here](JaVaScRiPt:alert(1))",
    "[here]( \n javascript:alert(1))",
    "[here](<java script:alert(1)>)",
    "[here](&#106;avascript:alert(1))",
    "[here](&#x6A;avascript&colon;alert(1))",
    "[here](&#0000106;avascript:alert(1))",
    "[here](java&Tab;script:alert(1))",
    "[here](java&NewLine;script:alert(1))",
    "[here](" + "&Tab;" * 200 + "javascript:alert(1))",
    "[here](javascript\\:alert(1))",
    "[here](data:text/html,<b>x</b>)",
    "[here](blob:http://127.0.0.1/0)",
    "[here](file:///etc/passwd)",
    "[here](vbscript:msgbox)",
    "[here](view-source:http://x/)",
    "![here](data:image/svg+xml;base64,AAAA)",
    "![here](file:///etc/passwd)",
    "[here][1]\n\n[1]: javascript:alert(1)",
    "[here][1]\n\n[1]:\n  javascript:alert(1) 'title'",
    "[1]\n\n> [1]:\n> data:text/html,x",
    "![1]\n\n[1]: <file:///etc/passwd>",
    "<javascript:alert(1)>",
    "<FILE:///etc/passwd>",
    "\\`[here](javascript:alert(1))\\`",
    "a ` tick [here](data:text/html,x)",
]


@pytest.mark.parametrize("text", TRAPS)
def test_a_link_that_is_no_page_is_text(text: str) -> None:
    drawn = MarkdownIt("commonmark", {"html": False})
    drawn.validateLink = lambda _: True  # type: ignore[method-assign]
    assert re.search(r"<a|<img", drawn.render(text))
    page = drawn.render(prepared(text))
    assert "<a" not in page and "<img" not in page
    assert prepared(text).replace("\u2060", "") == text


@pytest.mark.parametrize(
    "text",
    [
        "[a](https://example.org/?a=1&amp;b=javascript:2)",
        "[a](HTTP://example.org) and <https://example.org> and <me@example.org>",
        "[a](mailto:me@example.org) [b](#place) [c](files/x/y.txt) [d](/tools)",
        "[a][1]\n\n[1]: https://example.org 'title: one'",
        "x[1]: a note, a < b, a<b, [x] (data: y)",
        "`[a](javascript)` and data: as a word",
    ],
)
def test_other_links_stay_as_they_are(text: str) -> None:
    assert prepared(text) == text


DEEP = {
    "quotations": ">" * 5000 + " a",
    "quotations with blanks": "> " * 5000 + "a",
    "lists": "- " * 5000 + "a",
    "numbers": "1. " * 5000 + "a",
    "lists by lines": "\n".join("  " * depth + "- a" for depth in range(400)),
    "quotations by lines": "\n".join("> " * depth + "a" for depth in range(400)),
    "brackets": "[" * 5000 + "a" + "](x)" * 5000,
    "pictures": "![" * 5000 + "a" + "](x)" * 5000,
    "emphasis": "*a " * 5000 + "a*" * 5000,
    "emphasis of two": "**a _b " * 3000 + "b_ a**" * 3000,
    "stars": "*" * 5000 + "a" + "*" * 5000,
    "struck out": "~~a *b " * 3000 + "b* a~~" * 3000,
    "braces": "$" + "{" * 5000 + "a" + "}" * 5000 + "$",
    "colours": ":red[a " * 5000 + "]" * 5000,
    "ticks": ">" * 5000 + "`" * 7,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_is_nested_too_deeply_is_shown_letter_by_letter(text: str) -> None:
    drawn = prepared(text)
    fence, _, rest = drawn.partition("text\n")
    assert set(fence) == {"`"} and rest == f"{text}\n{fence}\n"


@pytest.mark.parametrize(
    "text",
    [
        "> > > a\n> > - b\n> > 1. **c *d* ~~e~~** [f [g]](https://x)",
        "\n".join("    " * depth + "- a" for depth in range(9)),
        "\n\n".join("[open and *open" for _ in range(500)),
        "a*b and 2 * 3 * 4 " * 500,
        "snake_case_name __init__ " * 500,
        "*" * 300 + "\n\n" + "_" * 300,
        " " * 500 + "a line far to the right",
        "\n".join(f"- [ ] **{n}**: a *b* [c](https://x/{n})" for n in range(1000)),
        "```\n" + "x = {'a': [1, {'b': []}]}\n" * 500 + "```",
    ],
)
def test_what_people_write_is_not_too_deep(text: str) -> None:
    assert not is_too_deep(text)


def test_signs_that_turn_the_direction_are_shown() -> None:
    assert prepared("safe \u202egnp.exe\u202c and \u2066x\u2069") == (
        "safe ⟨U+202E⟩gnp.exe⟨U+202C⟩ and ⟨U+2066⟩x⟨U+2069⟩"
    )
    assert prepared("שלום\u200f!") == "שלום\u200f!"
    assert escaped("annexe\u202etxt.exe") == "annexe⟨U\\+202E⟩txt.exe"
    assert shown_name("a\u200fb\u061cc\u200e") == "a⟨U+200F⟩b⟨U+061C⟩c⟨U+200E⟩"
    assert words("a\u202eb") == "a⟨U+202E⟩b"
