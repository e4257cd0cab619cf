"""Jupyter messages -> text, without a kernel: the cutting, the order, the odd shapes."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.python.kernels.startup.session import LEFT_OUT
from tools.python.output.collector import MAX_ITEMS, Omitted, Outputs, Picture, compose, plain


def message(kind: str, **content: Any) -> dict[str, Any]:
    return {"msg_type": kind, "content": content}


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return message("stream", name=name, text=text)


def display(data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return message("display_data", data=data, metadata={}, transient=more)


def text_of(outputs: Outputs, limit: int = 1000) -> str:
    return compose([p for p in outputs.pieces() if not isinstance(p, Picture)], limit)


@given(st.lists(st.text("ab\n\r", max_size=30), max_size=20), st.integers(1, 100))
def test_where_a_stream_is_cut_makes_no_difference(parts: list[str], limit: int) -> None:
    piecewise, whole = Outputs(1000, 5), Outputs(1000, 5)
    for part in parts:
        piecewise.handle(stream(part))
    whole.handle(stream("".join(parts)))
    assert text_of(piecewise, limit) == text_of(whole, limit)


@given(st.text("abc\n", max_size=400), st.integers(2, 60))
def test_a_cut_keeps_both_ends_and_counts_the_rest(text: str, limit: int) -> None:
    cut = compose([text], limit)
    if len(text) <= limit:
        assert cut == text
        return
    head, _, rest = cut.partition("[… ")
    missing, _, tail = rest.partition(" characters left out …]\n")
    kept = len(text) - int(missing.replace(",", ""))
    assert kept == limit
    assert text.endswith(tail) and text.startswith(head[: kept - len(tail)])


@given(st.lists(st.text("xyz", min_size=1, max_size=50), min_size=1, max_size=40))
def test_a_gap_is_counted_whatever_stands_around_it(parts: list[str]) -> None:
    pieces: list[str | Omitted] = [*parts, Omitted(1_000_000), *parts]
    cut = compose(pieces, 30)
    missing = int(cut.partition("[… ")[2].partition(" ")[0].replace(",", ""))
    assert missing == 1_000_000 + 2 * len("".join(parts)) - min(30, 2 * len("".join(parts)))


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("a\rb", "b"),
        ("a\r\nb", "a\nb"),
        ("10%\r20%\r", "20%"),
        ("one\ntwo\rthree\n", "one\nthree\n"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("bell\x07 nul\x00", "bell\ufffd nul\ufffd"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_plain_text_is_what_a_terminal_leaves(written: str, left: str) -> None:
    assert plain(written) == left


def test_a_very_long_line_is_handled_in_linear_time() -> None:
    outputs = Outputs(1000, 5)
    for _ in range(100):
        outputs.handle(stream("x" * 100_000))
    assert "9,999,000 characters left out" in text_of(outputs)


def test_many_displays_are_bounded_and_counted() -> None:
    outputs = Outputs(1000, 5)
    picture = base64.b64encode(b"picture").decode()
    for number in range(3 * MAX_ITEMS):
        outputs.handle(display({"text/plain": f"value {number:05}"}))
        if number == MAX_ITEMS + 5:
            outputs.handle(display({"image/png": picture}))
    pieces = outputs.pieces()
    assert len(pieces) < 3 * MAX_ITEMS
    assert sum(isinstance(piece, Picture) for piece in pieces) == 1
    text = text_of(outputs)
    assert text.startswith("value 00000\n") and text.endswith(f"value {3 * MAX_ITEMS - 1:05}\n")
    total = 3 * MAX_ITEMS * len("value 00000\n")
    assert f"{total - 1000:,} characters left out" in text


def test_missing_characters_that_the_kernel_reports_are_counted_in_place() -> None:
    outputs = Outputs(1000, 5)
    outputs.handle(stream("head\n"))
    outputs.handle(display({LEFT_OUT: 5_000}))
    outputs.handle(stream("tail\n"))
    assert text_of(outputs) == "head\n[… 5,000 characters left out …]\ntail\n"


def test_paths_of_the_host_leave_errors_and_warnings() -> None:
    outputs = Outputs(1000, 5, hidden=("/srv/lib", "/srv/lib/site-packages"))
    outputs.handle(stream("/srv/lib/site-packages/numpy/x.py:1: Warning\n", "stderr"))
    outputs.handle(stream("/srv/lib/mine.txt\n"))
    outputs.handle(
        message(
            "error",
            ename="ImportError",
            evalue="no name (/srv/lib/site-packages/a.py)\nmore",
            traceback=["\x1b[1mImportError\x1b[0m (/srv/lib/site-packages/a.py)"],
        )
    )
    assert outputs.error == "ImportError: no name (a.py)"
    assert text_of(outputs) == "numpy/x.py:1: Warning\n/srv/lib/mine.txt\nImportError (a.py)\n"


def test_clear_output_waits_when_asked() -> None:
    outputs = Outputs(1000, 5)
    outputs.handle(stream("old\n"))
    outputs.handle(message("clear_output", wait=True))
    assert text_of(outputs) == "old\n"
    outputs.handle(stream("new\n"))
    assert text_of(outputs) == "new\n"
    outputs.handle(message("clear_output", wait=False))
    assert text_of(outputs) == ""


def test_an_image_wins_over_its_text_unless_it_cannot_be_decoded() -> None:
    outputs = Outputs(1000, 5)
    good = base64.b64encode(b"data").decode()
    outputs.handle(display({"image/png": good, "text/plain": "<Figure size 640x480>"}))
    outputs.handle(display({"image/png": "%%%", "text/plain": "broken"}))
    assert [piece for piece in outputs.pieces() if piece] == [Picture(b"data"), "broken\n"]


shapes = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
keys = st.sampled_from(
    ["name", "text", "data", "transient", "wait", "ename", "traceback", "payload"]
)


@settings(max_examples=50)
@given(
    st.sampled_from(
        [
            "stream",
            "display_data",
            "update_display_data",
            "execute_result",
            "clear_output",
            "error",
            "execute_reply",
            "execute_input",
            "comm_open",
        ]
    ),
    st.dictionaries(
        keys,
        shapes
        | st.dictionaries(
            st.sampled_from(["text/plain", "text/html", "image/png", LEFT_OUT, "display_id"]),
            shapes,
        ),
    ),
)
def test_a_message_of_any_shape_does_no_harm(kind: str, content: dict[str, Any]) -> None:
    outputs = Outputs(100, 5)
    outputs.handle({"msg_type": kind, "content": content})
    assert isinstance(text_of(outputs), str)
