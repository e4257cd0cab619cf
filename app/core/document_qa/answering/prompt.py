"""The prompt for a question about documents: the whole documents, chunks that match the question
(the mode "passages"), or the model's notes on all parts ("parts").

Whole documents stand in the system message: the prompts of a conversation share that prefix, and a
backend with a prefix cache reads it once. Chunks stand before their question and stay there in
later turns, so that follow-up questions can refer to them and the prompt only grows. When the
chunks of all turns exceed their share of the window, those of earlier turns are dropped together.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.core.agent.context import DocumentContext, Question
from app.core.document_qa.answering import map_reduce
from app.core.document_qa.answering.instructions import NO_DOCUMENTS, wording
from app.core.document_qa.retrieval.chunking import Chunk, render_chunks
from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.retrieval.numbered_pages import NumberedPage
from app.core.document_qa.retrieval.token_counter import (
    TokenCounter,
    Tokens,
    estimate_tokens,
    window_of,
)
from backends.base import Backend, GenerationConfig
from backends.events import ModelEvent, Notice
from backends.messages import AppliedMode, ContextUsed, Document, Message, Text, user

ReadingMode = Literal["auto", "whole", "passages", "parts"]

MAX_CHUNK_TOKENS = 24_000
"""Tokens of the chunks for one question, also in a larger window."""
MAX_OUTLINE_TOKENS = 1_500
"""Tokens of the outline, at most; in a small window a twentieth of it."""
MIN_RECENT_QUESTIONS = 32
"""The last questions of a long conversation that keep their chunks in the prompt, at least."""
_MIN_ANSWER_TOKENS = 64  # tokens; what backends insist on
_SPARE_TOKENS = 16  # tokens that may come in where texts meet
_WHOLE = re.compile(
    r"\b(summar(y|ies|i[sz]\w+)|sum up|overview|tl;?dr|(main|key) (points|ideas|topics|takeaways)"
    r"|gist|what (is|are) (this|these|the) [\w ]{0,20}about"
    r"|zusammenfass\w*|résum\w+|resum\w+|riassum\w+)\b|总结|概括|概述|摘要|归纳|要点|大意|要約|요약",
    re.I,
)


@dataclass(frozen=True)
class TokenBudget:
    """Tokens of a prompt's documents, of the rest of it, of its answer, and of the window. Not
    `exact` where the backend can't count tokens or does not report its window."""

    documents: int
    conversation: int
    answer: int
    window: int
    exact: bool = True

    @property
    def over(self) -> int:
        """The tokens above the window, 0 where everything fits."""
        return max(self.documents + self.conversation + self.answer - self.window, 0)


@dataclass(frozen=True)
class Prompt:
    """The messages up to the question, with the documents in them.

    `mode` is how the documents are read; `pages` are the pages of which the prompt contains text.
    `excess` are the tokens above the window if the documents were sent whole. In the mode "parts"
    there are no messages yet: `map_reduce.read` makes them from `plan`.
    """

    mode: AppliedMode
    messages: tuple[Message, ...]
    pages: tuple[NumberedPage, ...]
    budget: TokenBudget
    excess: int = 0
    plan: map_reduce.Plan | None = None


@dataclass(frozen=True)
class PromptForecast:
    """The prompt of the next question before it is asked: the mode, the token budget, the `excess`
    of whole documents above the window in tokens, and for "parts" the maximum of model calls.
    `known` says whether the model's window is known."""

    mode: ReadingMode
    budget: TokenBudget
    excess: int = 0
    calls: int = 0
    known: bool = True


def prepare(
    corpus: Corpus,
    question: Question,
    mode: ReadingMode,
    cancel: threading.Event,
    narrow: bool = False,
) -> Generator[ModelEvent, None, DocumentContext | None]:
    """The documents for a question, in the mode that the user chose.

    Chunks replace whole documents that exceed a known window, and everything where `narrow` says
    that the model rejected the longer prompt. Yields notices and, in the mode "parts", the model's
    notes. Returns None when the turn was cancelled or a call for notes failed. Raises
    `BackendError`.
    """
    if narrow or (question.begun and mode == "parts"):
        mode = "passages"
    yield Notice(
        "The documents do not fit: choosing passages" if narrow else "Looking through the documents"
    )
    prompt = compose(corpus, question, mode)
    if prompt.mode == "whole" and prompt.excess and window_of(question.backend) is not None:
        prompt = compose(corpus, question, "passages")
    yield Notice("")
    messages = prompt.messages
    if prompt.plan is not None:
        answered = yield from map_reduce.read(
            prompt.plan, question.backend, question.generation, cancel
        )
        if answered is None:
            return None
        messages = answered
    system, *talk = messages
    pages = tuple(page.used for page in prompt.pages)
    return DocumentContext(
        system.text, tuple(talk), ContextUsed(prompt.mode, pages, prompt.excess, refused=narrow)
    )


def forecast(
    corpus: Corpus, history: tuple[Message, ...], mode: ReadingMode, backend: Backend, answer: int
) -> PromptForecast:
    """The forecast for a question asked now; `answer` is the maximum of its answer in tokens."""
    config = GenerationConfig(max_tokens=answer)
    # The question is not known yet: no chunks are chosen, their budget is only reserved.
    question = Question(history, user(""), (), "", (), backend, config)
    first = compose(corpus, question, "parts" if mode == "parts" else "whole")
    known = window_of(backend) is not None
    result = PromptForecast(first.mode, first.budget, first.excess, 0, known)
    if first.plan is not None:
        return replace(result, calls=first.plan.calls)
    if mode == "passages" or (first.excess and (known or mode == "auto")):
        free = first.budget.window - first.budget.answer
        kept = min(first.budget.documents, MAX_CHUNK_TOKENS, free // 4)
        return replace(result, mode="passages", budget=replace(first.budget, documents=kept))
    return result


def compose(corpus: Corpus, question: Question, mode: ReadingMode) -> Prompt:
    """The prompt for a question. The mode "auto" sends whole documents where they fit, else
    chunks."""
    counter = TokenCounter(question.backend)
    talk = _without_files((*question.history, question.question))
    answer = max(_MIN_ANSWER_TOKENS, min(question.generation.max_tokens, counter.window // 4))
    budget = _whole_budget(corpus, question, talk, counter, answer)
    if mode == "whole" or (mode == "auto" and not budget.over) or not corpus.pages:
        rules = wording(counter.profile, counter.window).pages
        system = _system(rules, corpus.whole) if corpus.pages else _system(NO_DOCUMENTS)
        return Prompt("whole", (system, *talk), corpus.pages, budget, budget.over)
    if mode == "parts":
        plan = map_reduce.plan(corpus, talk[-1], talk[:-1], counter, answer)
        return Prompt("parts", (), corpus.pages, budget, budget.over, plan)
    prompt = _ChunkPrompt(corpus, question, talk, counter, answer).prompt()
    return replace(prompt, excess=budget.over)


def _recent(asked: Sequence[int]) -> Sequence[int]:
    """The questions, as indices of their messages, that keep chunks in the prompt: the last
    `MIN_RECENT_QUESTIONS` and up to as many before them. Earlier ones are dropped in blocks of
    that size, so that consecutive prompts share their prefix."""
    return asked[max((len(asked) - 1) // MIN_RECENT_QUESTIONS - 1, 0) * MIN_RECENT_QUESTIONS :]


def asks_for_whole(question: str) -> bool:
    """Whether a question is about documents as a whole, so that chunks can't answer it."""
    return _WHOLE.search(question) is not None


class _ChunkPrompt:
    """Builds a prompt from chunks. The last message of `talk` is the question; `answer` is the
    answer's budget in tokens."""

    def __init__(
        self,
        corpus: Corpus,
        question: Question,
        talk: Sequence[Message],
        counter: TokenCounter,
        answer: int,
    ) -> None:
        self._corpus, self._question, self._talk = corpus, question, tuple(talk)
        self._counter, self._answer = counter, answer
        asked = [index for index, message in enumerate(talk) if message.role == "user"]
        self._before = dict(zip(asked[1:], asked, strict=False))
        self._asked = _recent(asked)
        self._free = counter.window - answer
        self._scale = counter.scale(corpus.whole)
        outline = corpus.outline(min(MAX_OUTLINE_TOKENS, self._free // 20), self._tokens)
        self._system = _system(
            wording(counter.profile, counter.window).pages, f"The documents:\n{outline}"
        )

    def prompt(self) -> Prompt:
        limit = min(MAX_CHUNK_TOKENS, self._free // 4)
        prompt = self._build(self._choose_all(self._asked, limit))
        while prompt.budget.over and limit > 0:
            # A long conversation: the chunks of earlier turns are dropped first.
            prompt = self._build(self._choose_all(self._asked[-1:], limit))
            limit = min(limit // 2, limit - prompt.budget.over)
        return prompt

    def _choose_all(self, asked: Sequence[int], limit: int) -> dict[int, tuple[Chunk, ...]]:
        """The chunks of these questions, as they were chosen when each question was the last;
        `limit` is the budget of one question in tokens."""
        chosen: dict[int, tuple[Chunk, ...]] = {}
        for index in asked:
            earlier = [chunk for chunks in chosen.values() for chunk in chunks]
            new = self._choose(index, limit, earlier)
            if sum(map(self._cost, (*earlier, *new))) > self._free // 2:
                chosen.clear()
                new = self._choose(index, limit, ())
            chosen[index] = new
        return chosen

    def _choose(self, index: int, budget: int, earlier: Sequence[Chunk]) -> tuple[Chunk, ...]:
        before = self._talk[self._before[index]].text if index in self._before else ""
        return self._corpus.choose(self._talk[index].text, before, budget, self._cost, earlier)

    def _build(self, chosen: dict[int, tuple[Chunk, ...]]) -> Prompt:
        texts = {index: render_chunks(chunks) for index, chunks in chosen.items() if chunks}
        messages = [
            _with_text_before(message, texts[index]) if index in texts else message
            for index, message in enumerate(self._talk)
        ]
        read = [self._counter.text(text) for text in texts.values()]
        others = _tokens_without_documents(self._question, self._counter, self._system, self._talk)
        budget = TokenBudget(
            sum(each.count for each in read),
            others.count + _SPARE_TOKENS,
            self._answer,
            self._counter.window,
            self._counter.known and others.exact and all(each.exact for each in read),
        )
        ids = {chunk.page.id for chunks in chosen.values() for chunk in chunks}
        pages = tuple(page for page in self._corpus.pages if page.id in ids)
        return Prompt("passages", (self._system, *messages), pages, budget)

    def _tokens(self, text: str) -> float:
        return estimate_tokens(text) * self._scale

    def _cost(self, chunk: Chunk) -> float:
        return self._tokens(f"{chunk.page.head}\n{chunk.lead}{chunk.text}")


def _tokens_without_documents(
    question: Question, counter: TokenCounter, system: Message, talk: Sequence[Message]
) -> Tokens:
    """Tokens of the whole request without its documents."""
    own = (_system(question.system),) if question.system else ()
    return counter.prompt((*own, system, *talk, *question.begun), question.tools)


def _whole_budget(
    corpus: Corpus, question: Question, talk: Sequence[Message], counter: TokenCounter, answer: int
) -> TokenBudget:
    read = counter.text(corpus.whole)
    others = _tokens_without_documents(
        question, counter, _system(wording(counter.profile, counter.window).pages), talk
    )
    exact = counter.known and read.exact and others.exact
    return TokenBudget(read.count, others.count + _SPARE_TOKENS, answer, counter.window, exact)


def _system(*texts: str) -> Message:
    return Message("system", (Text("\n\n".join(texts)),))


def _without_files(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages without document parts, and without those that are then empty: failed answers
    and bare uploads. The question stays in any case."""
    talk = (_without_documents(each) for each in messages[:-1])
    answered = (each for each in talk if each.role != "assistant" or each.text or each.calls)
    return (
        *(each for each in answered if each.role != "user" or each.text or each.pictures),
        _without_documents(messages[-1]),
    )


def _without_documents(message: Message) -> Message:
    if not message.documents:
        return message
    return replace(
        message, parts=tuple(part for part in message.parts if not isinstance(part, Document))
    )


def _with_text_before(message: Message, text: str) -> Message:
    """The message with `text` before its own text."""
    shown = tuple(part for part in message.parts if not isinstance(part, Text))
    return replace(message, parts=(*shown, Text(f"{text}\n\n", "documents"), Text(message.text)))
