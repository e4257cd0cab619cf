"""Results too long for the model's window, shortened for the model alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from app.core.agent.window import MIN_RESULT_CHARS, fit_to_window
from backends.errors import ContextExceeded
from backends.llama_cpp.backend import LlamaCpp
from backends.messages import Message, user
from backends.openai_api.backend import OpenAIBackend
from tests.support.llama_asking import LAMP, WINDOW, ask, load
from tools.base import ToolCall, ToolResult
from tools.text import cut_middle

ANSWER = 128


@pytest.fixture(scope="module")
def model() -> Iterator[LlamaCpp]:
    model = load()
    yield model
    model.close()


def conversation(*results: str) -> list[Message]:
    messages = [user("Read them.")]
    for text in results:
        messages.append(Message("assistant", calls=(ToolCall("c", "lamp", "{}"),)))
        messages.append(Message("tool", result=ToolResult("c", "lamp", text)))
    return messages


def texts(messages: Sequence[Message]) -> list[str]:
    return [message.result.text for message in messages if message.result is not None]


def fits(model: LlamaCpp, messages: Sequence[Message]) -> bool:
    try:
        return model.count_tokens(messages, [LAMP]) <= WINDOW - ANSWER
    except ContextExceeded:
        return False


def test_what_fits_stays_as_it_is(model: LlamaCpp) -> None:
    messages = conversation("a b c " * 400, "short")
    assert fit_to_window(messages, [LAMP], model, ANSWER) is messages


@pytest.mark.parametrize("word", ["the sea is wide ", "7", "北", "\u0301", "<|im_end|>"])
def test_a_long_result_is_cut_in_the_middle_and_the_model_is_told(
    model: LlamaCpp, word: str
) -> None:
    long = f"first {word * (100_000 // len(word))} last"
    messages = conversation("short", long)
    shortened = fit_to_window(messages, [LAMP], model, ANSWER)
    short, cut = texts(shortened)
    assert short == "short" and texts(messages)[1] == long
    assert cut.startswith("first") and cut.endswith("last") and "characters left out" in cut
    assert fits(model, shortened)
    assert not fits(model, conversation("short", cut_middle(long, 2 * len(cut))))


def test_the_next_prompt_begins_like_this_one(model: LlamaCpp) -> None:
    first = conversation("wave " * 20_000)
    second = [*first, *conversation("wave " * 20)[1:]]
    assert texts(fit_to_window(second, [LAMP], model, ANSWER))[:1] == texts(
        fit_to_window(first, [LAMP], model, ANSWER)
    )


def test_many_long_results_all_give_way(model: LlamaCpp) -> None:
    shortened = fit_to_window(conversation(*["wave " * 1_000] * 5), [LAMP], model, ANSWER)
    assert len({len(text) for text in texts(shortened)}) == 1
    assert fits(model, shortened)


def test_what_is_too_long_without_its_results_is_left_to_the_backend(model: LlamaCpp) -> None:
    messages = [user("sea " * 5_000), *conversation("wave " * 1_000)[1:]]
    shortened = fit_to_window(messages, [], model, ANSWER)
    assert shortened[0] == messages[0]
    assert [len(text) for text in texts(shortened)] == [MIN_RESULT_CHARS]
    with pytest.raises(ContextExceeded):
        ask(model, shortened)


def test_a_backend_that_cannot_count_is_guessed_at() -> None:
    small = OpenAIBackend("http://127.0.0.1:9/v1", "m", None, context=4096)
    unknown = OpenAIBackend("http://127.0.0.1:9/v1", "m", None)
    messages = conversation("the sea is wide " * 6_000, "北" * 20_000)
    assert fit_to_window(messages, [], unknown, ANSWER) is messages
    shortened = fit_to_window(messages, [], small, ANSWER)
    assert sum(len(text.encode()) for text in texts(shortened)) < 4096 * 3
    few = conversation("the sea is wide " * 300)
    assert fit_to_window(few, [], small, ANSWER) is few
