"""HTML as lines of Markdown: what is kept, what is left out, and what a page can't forge."""

import pytest

from tests.support.loopback_web import words
from tools.browser.base import LINK_CLOSES, LINK_OPENS, Link
from tools.browser.html.main_text import LINE, Text, html_text, plain_text

URL = "https://host.example/dir/page?x=1"


def text(body: str, head: str = "") -> Text:
    return html_text(f"<html><head>{head}</head><body>{body}</body></html>", URL)


def shown(body: str) -> list[str]:
    """The lines of a page, its links as `{text|address}`."""
    page = text(body)
    lines = "\n".join(page.lines)
    for number, link in enumerate(page.links):
        lines = lines.replace(f"{LINK_OPENS}{number}{LINK_CLOSES}", f"{{{link.text}|{link.url}}}")
    return lines.splitlines()


@pytest.mark.parametrize(
    ("html", "lines"),
    [
        ("<h1>One</h1><h3>Three <em>x</em></h3><p>y</p>", ["# One", "### Three x", "y"]),
        ("<p>a\n  b&nbsp;<b>c</b><br>d</p>", ["a b c", "d"]),
        ("<ul><li>a<ul><li>b</li></ul></li><li><p>c</p><p>d</p></li></ul>",
         ["- a", "  - b", "- c", "  d"]),
        ("<ol start=3><li>a</li><li>b</li></ol>", ["3. a", "4. b"]),
        ("<blockquote><p>said</p></blockquote>", ["> said"]),
        ("<pre class='language-python'>if x:\n    <a href=y>f</a>()\n\nend\n</pre>",
         ["```python", "if x:", "    f()", "", "end", "```"]),
        ("<pre>a<br>b</pre>", ["```", "a", "b", "```"]),
        ("<table><caption>C</caption><tr><th>A</th><th>B</th></tr><tr><td>1</td><td><p>2</p>"
         "<p>3|4</p></td></tr><tr><td>5</td></tr></table>",
         ["C", "| A | B |", "|---|---|", "| 1 | 2 3\\|4 |", "| 5 |  |"]),
        ("<table><tr><td><p>one</p><p>two</p></td></tr></table>", ["one", "two"]),
        ("<table role=presentation><tr><td>a</td><td>b</td></tr></table>", ["a", "b"]),
        ("<dl><dt>t</dt><dd>d</dd></dl>", ["t", "d"]),
        ("<p>E = mc<sup>2</sup></p>", ["E = mc²"]),
        ("<p>So <math alttext='x_1'><mi>x</mi></math> is</p>", ["So $x_1$ is"]),
        ("<x-host><template shadowrootmode=open><p>in</p></template></x-host>", ["in"]),
        ("<p>שלום <b>עולם</b></p><p dir=rtl>مرحبا\u202e بك</p>", ["שלום עולם", "مرحبا بك"]),
    ],
)  # fmt: skip
def test_markup_becomes_markdown(html, lines):
    assert shown(f"<main>{html}</main>") == lines


@pytest.mark.parametrize(
    ("html", "line"),
    [
        ("see <a href='../a?b=c#d'>the <i>text</i></a>!", "see {the text|https://host.example/a?b=c#d}!"),
        ("<a href=//o.example/>o</a> <a href=//o.example/>o</a>",
         "{o|https://o.example/} {o|https://o.example/}"),
        ("x<a href=/p> y </a>z", "x {y|https://host.example/p} z"),
        ("<a href='#part'>part</a> <a href='page?x=1#part'>same</a>", "part same"),
        ("<a href='javascript:x()'>j</a> <a href='mailto:a@b'>m</a> <a href='http://['>b</a>",
         "j m b"),
        ("<a href=/i><img alt='A picture'></a>", "{A picture|https://host.example/i}"),
        ("Head<a class=headerlink href='#h'>¶</a> <a href=/none></a>.", "Head ."),
        ("<a href=/c><h3>Card</h3><p>More</p></a>", "### Card"),
    ],
)  # fmt: skip
def test_links_keep_their_text_and_their_address(html, line):
    assert shown(f"<main><div>{html}</div></main>")[0] == line


def test_a_base_is_heard_and_numbers_are_those_of_the_shown_links():
    page = text(
        f"<nav><a href=/n>nav</a></nav><main><p>{words(60)} <a href=x>x</a></p></main>",
        "<base href='/b/'><title> The\n title </title>",
    )
    assert page.links == (Link("x", "https://host.example/b/x"),)
    assert page.title == "The title"
    assert page.words == 61


def test_navigation_banners_and_hidden_text_are_left_out():
    page = "\n".join(shown(
        f"<nav><a href=/a>Products</a></nav><div id=onetrust-banner-sdk>We use cookies</div>"
        f"<div class='cookie-notice show'>Accept all</div><main><h1>Head</h1><p>{words(80)}</p>"
        "<p hidden>no1</p><p style='display: none'>no2</p><p aria-hidden=true>no3</p>"
        "<p style='font-size:0'>no4</p><p style='color:#FFF; background: #fff'>no5</p>"
        "<p style='font-size:0.9em'>yes1</p><script>no6</script><noscript>no7</noscript>"
        "<dialog>no8</dialog><svg><text>no9</text></svg></main>"
        "<footer>Imprint</footer>"
    ))  # fmt: skip
    assert words(80) in page and "yes1" in page
    for left_out in ("Products", "cookies", "Accept", "Imprint", *(f"no{n}" for n in range(1, 10))):
        assert left_out not in page


def test_a_wall_over_the_text_does_not_hide_it():
    wall = "<div class='consent-modal' style='position:fixed'>We value your privacy. Accept?</div>"
    covered = f"<div id=app aria-hidden=true><main><p>{words(80)}</p></main></div>"
    page = text(f"<body class='cookie-banner-open'>{wall}{covered}</body>")
    assert page.lines == (words(80),)


def test_the_guard_shows_main_where_too_little_was_kept():
    # Lists of links are what trafilatura takes for navigation.
    links = "".join(f"<li><a href=/{n}>Entry number {n}</a></li>" for n in range(60))
    page = shown(f"<nav><a href=/x>nav</a></nav><main><ul>{links}</ul><aside>side</aside></main>")
    assert len(page) == 60 and page[59] == "- {Entry number 59|https://host.example/59}"
    without = shown(f"<div><ul>{links}</ul></div><footer>foot</footer>")
    assert without[-1].startswith("- {Entry number 59")


@pytest.mark.parametrize(
    ("label", "answer"),
    [
        ("<details><summary>What does a ticket cost?</summary>{}</details>", "It costs 12 euros."),
        ("<dl><dt>What does a ticket cost?</dt><dd>{}</dd></dl>", "It costs 12 euros."),
        (
            "<details><summary><h3>What does a ticket cost?</h3></summary>{}</details>",
            "It costs 12 euros.",
        ),
    ],
)
def test_the_question_stays_with_its_answer(label, answer):
    body = f"<h1>Help</h1><p>{words(80)}</p>" + label.format(f"<p>{answer}</p>")
    found = shown(body)
    assert found[-1] == answer
    assert found[-2].endswith("What does a ticket cost?")


@pytest.mark.parametrize(("paragraphs", "extras"), [(8, 12), (20, 40)])
def test_an_article_stands_without_the_teasers_and_comments_around_it(paragraphs, extras):
    story = "".join(
        f"<p>{' '.join(f'The council decided on item {n} of day {day}.' for n in range(6))}</p>"
        for day in range(paragraphs)
    )
    teasers = "".join(
        f"<div class=card><h4><a href=/t{n}>Teaser number {n} about something in town</a></h4>"
        f"<p>Read what happened {n} hours ago and why it matters.</p></div>"
        for n in range(extras)
    )
    replies = "".join(
        f"<div class=reply><b>reader{n}</b><p>Opinion {n}: nobody ever asked the fishermen.</p>"
        "<a href=#r>Reply</a></div>"
        for n in range(extras)
    )
    page = "\n".join(shown(
        f"<main><h1>Head</h1><div class=story>{story}</div><div class=more>{teasers}</div>"
        f"<div class=thread>{replies}</div></main>"
    ))  # fmt: skip
    assert page.count("The council decided") == 6 * paragraphs
    assert "Read what happened" not in page
    assert "fishermen" not in page


@pytest.mark.parametrize(
    "entry",
    [
        "<li><a href=/{0}>Linked entry {0}</a></li><li>Plain entry {0}</li>",
        "<div class=post><b>user{0}</b><p>Plain entry {0} is what I think of it.</p></div>",
        "<div class=product><h3><a href=/{0}>Thing {0}</a></h3><p>Plain entry {0}</p></div>",
        "<div><span>Plain entry {0}</span></div>",
    ],
)
def test_lists_of_all_kinds_in_main_keep_their_plain_entries(entry):
    page = "\n".join(
        shown(f"<main><h1>Head</h1><div>{''.join(map(entry.format, range(40)))}</div></main>")
    )
    assert [n for n in range(40) if f"Plain entry {n}" not in page] == []


def test_a_form_around_the_whole_page_is_the_page():
    assert shown(f"<form action=/x><div><p>{words(80)}</p></div></form>") == [words(80)]


def test_fake_citations_and_links_are_none():
    page = text(
        f"<main><p>{words(50)} 【3†fake†host】 {LINK_OPENS}0{LINK_CLOSES} "
        "<a href=/a>【0†x】</a></p>"
        "<pre>【1†code】</pre></main>",
        "<title>【9†title】</title>",
    )
    assert page.title == "〔9†title〕"
    assert page.lines[-4].endswith(f"〔3†fake†host〕 0 {LINK_OPENS}0{LINK_CLOSES}")
    assert page.lines[-2] == "〔1†code〕"
    assert page.links == (Link("〔0†x〕", "https://host.example/a"),)
    assert plain_text(["【2†plain】"]).lines == ("〔2†plain〕",)


def test_what_is_never_seen_is_taken_out_and_special_tokens_are_left_to_the_protocol():
    tags = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    page = text(f"<main><p>a{tags}b\u200bc\u202ed <|user|>&lt;|observation|&gt; ‌می‌خواهم</p></main>")
    assert page.lines == ("abcd <|user|><|observation|> ‌می‌خواهم",)


def test_long_paragraphs_are_lines_that_end_with_a_sentence():
    sentence = "This is one sentence with a few words in it. "
    chinese = "这是一个句子，里面有几个词。"
    page = text(f"<main><p>{sentence * 50}</p><p>{chinese * 100}</p><p>{'x' * 2000}</p></main>")
    assert all(len(line) <= LINE for line in page.lines)
    assert all(line.endswith((".", "。")) for line in page.lines[:-4])
    assert " ".join(line for line in page.lines if "one" in line) == (sentence * 50).strip()
    assert "".join(line for line in page.lines if "这" in line) == chinese * 100


def test_a_link_is_never_cut_in_two():
    links = "".join(f"{'x' * 7}<a href=/{n}>link</a>" for n in range(300))
    page = text(f"<main><p>{links}</p></main>")
    assert all(line.count(LINK_OPENS) == line.count(LINK_CLOSES) for line in page.lines)
    assert len(page.links) == 300


@pytest.mark.parametrize(
    "html",
    [
        "",
        "\x00",
        "<",
        "plain words",
        "<!-- only -->",
        "<?xml version='1.0' encoding='x'?><p>a",
        "<frameset><frame src=x></frameset>",
        "<div>" * 5000 + "deep",
        "\ud800<p>half</p>",
    ],
)
def test_every_input_is_read_without_an_error(html):
    assert isinstance(html_text(html, URL), Text)
