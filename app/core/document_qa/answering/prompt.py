"""What is sent for a question about documents: all of them, the passages that it asks for, or notes
that the model took on all their parts.

Whole documents stand in the system message, so that a conversation always begins alike and a
model that keeps its prefix reads them once. Passages stand with their question, and stay there in
later turns: what was answered can be asked about, and again the prompt only grows. When all
passages take more than their share of the window, those of earlier turns go, all at once.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.core.agent.context import DocumentContext, Question
from app.core.document_qa.answering import map_reduce
from app.core.document_qa.answering.instructions import NOTHING, wording
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
"""Tokens of passages for one question, in however large a window."""
MAX_OUTLINE_TOKENS = 1_500
"""Tokens of the outline, at most; a twentieth of a small window."""
MIN_RECENT_QUESTIONS = 32
"""Questions that have passages of their own in a prompt, at least, in however long a talk."""
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
    """Tokens of a prompt, its answer, and the window that all are to fit into. Not `exact` where
    the model could not count, or doesn't say what its window is."""

    documents: int
    conversation: int
    answer: int
    window: int
    exact: bool = True

    @property
    def over(self) -> int:
        """By how many tokens it does not fit."""
        return max(self.documents + self.conversation + self.answer - self.window, 0)


@dataclass(frozen=True)
class Prompt:
    """Messages up to the question with documents before them, and what they hold.

    `way` is how the documents are read; `pages` are those that the model reads something of.
    `excess` is by how many tokens whole documents would not fit. With "parts" the messages come
    from the model's notes, as `plan` has it.
    """

    mode: AppliedMode
    messages: tuple[Message, ...]
    pages: tuple[NumberedPage, ...]
    budget: TokenBudget
    excess: int = 0
    plan: map_reduce.Plan | None = None


@dataclass(frozen=True)
class PromptForecast:
    """What the next question meets: how the documents would be read, by how many tokens the whole
    of them does not fit, and for reading in parts how often the model is asked at most. `known`
    says whether the model told its window."""

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
    """The documents for a question in the way that was chosen; by passages where the whole does not
    fit a window that is known, or the model found it too long, so that it must be `narrow`. None
    when it was stopped. Raises `BackendError`."""
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
    """What a question would meet now, whose answer has so many tokens at most."""
    config = GenerationConfig(max_tokens=answer)
    # The question is not known yet: no passages are chosen, only room is kept for them.
    question = Question(history, user(""), (), "", (), backend, config)
    first = compose(corpus, question, "parts" if mode == "parts" else "whole")
    known = window_of(backend) is not None
    found = PromptForecast(first.mode, first.budget, first.excess, 0, known)
    if first.plan is not None:
        return replace(found, calls=first.plan.calls)
    if mode == "passages" or (first.excess and (known or mode == "auto")):
        free = first.budget.window - first.budget.answer
        kept = min(first.budget.documents, MAX_CHUNK_TOKENS, free // 4)
        return replace(found, mode="passages", budget=replace(first.budget, documents=kept))
    return found


def compose(corpus: Corpus, question: Question, mode: ReadingMode) -> Prompt:
    """The prompt for a question. "auto" sends the documents whole where they fit, else passages of
    them."""
    counter = TokenCounter(question.backend)
    talk = _without_files((*question.history, question.question))
    answer = max(_MIN_ANSWER_TOKENS, min(question.generation.max_tokens, counter.window // 4))
    budget = _whole_budget(corpus, question, talk, counter, answer)
    if mode == "whole" or (mode == "auto" and not budget.over) or not corpus.pages:
        rules = wording(counter.profile, counter.window).pages
        system = _system(rules, corpus.whole) if corpus.pages else _system(NOTHING)
        return Prompt("whole", (system, *talk), corpus.pages, budget, budget.over)
    if mode == "parts":
        plan = map_reduce.plan(corpus, talk[-1], talk[:-1], counter, answer)
        return Prompt("parts", (), corpus.pages, budget, budget.over, plan)
    prompt = _ChunkPrompt(corpus, question, talk, counter, answer).prompt()
    return replace(prompt, excess=budget.over)


def _recent(asked: Sequence[int]) -> Sequence[int]:
    """The questions that passages are chosen for: of many the last `RECENT`, and up to as many
    before them. Those before go all at once, so that the next prompts begin alike."""
    return asked[max((len(asked) - 1) // MIN_RECENT_QUESTIONS - 1, 0) * MIN_RECENT_QUESTIONS :]


def asks_for_whole(question: str) -> bool:
    """Whether a question is about documents as a whole, so that passages would not do."""
    return _WHOLE.search(question) is not None


class _ChunkPrompt:
    """A prompt by passages while it is made. The last message is the question."""

    def __init__(
        self,
        corpus: Corpus,
        question: Question,
        talk: Sequence[Message],
        counter: TokenCounter,
        answer: int,
    ) -> None:
        self._corpus, self._counter, self._answer, self._question = (
            corpus,
            counter,
            answer,
            question,
        )
        self._talk = tuple(talk)
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
        each = min(MAX_CHUNK_TOKENS, self._free // 4)
        prompt = self._made(self._chosen(self._asked, each))
        while prompt.budget.over and each > 0:
            # A long conversation: what was read for earlier turns goes first.
            prompt = self._made(self._chosen(self._asked[-1:], each))
            each = min(each // 2, each - prompt.budget.over)
        return prompt

    def _chosen(self, asked: Sequence[int], each: int) -> dict[int, tuple[Chunk, ...]]:
        """The passages of these turns, as they were chosen when each was the last one."""
        chosen: dict[int, tuple[Chunk, ...]] = {}
        for index in asked:
            have = [chunk for chunks in chosen.values() for chunk in chunks]
            new = self._choose(index, each, have)
            if sum(map(self._cost, (*have, *new))) > self._free // 2:
                chosen.clear()
                new = self._choose(index, each, ())
            chosen[index] = new
        return chosen

    def _choose(self, index: int, budget: int, have: Sequence[Chunk]) -> tuple[Chunk, ...]:
        before = self._talk[self._before[index]].text if index in self._before else ""
        return self._corpus.choose(self._talk[index].text, before, budget, self._cost, have)

    def _made(self, chosen: dict[int, tuple[Chunk, ...]]) -> Prompt:
        texts = {index: render_chunks(chunks) for index, chunks in chosen.items() if chunks}
        messages = [
            _with_text_before(message, texts[index]) if index in texts else message
            for index, message in enumerate(self._talk)
        ]
        read = [self._counter.text(text) for text in texts.values()]
        said = _said(self._question, self._counter, self._system, self._talk)
        budget = TokenBudget(
            sum(each.count for each in read),
            said.count + _SPARE_TOKENS,
            self._answer,
            self._counter.window,
            self._counter.known and said.exact and all(each.exact for each in read),
        )
        ids = {chunk.page.id for chunks in chosen.values() for chunk in chunks}
        pages = tuple(page for page in self._corpus.pages if page.id in ids)
        return Prompt("passages", (self._system, *messages), pages, budget)

    def _tokens(self, text: str) -> float:
        return estimate_tokens(text) * self._scale

    def _cost(self, chunk: Chunk) -> float:
        return self._tokens(f"{chunk.page.head}\n{chunk.lead}{chunk.text}")


def _said(
    question: Question, counter: TokenCounter, system: Message, talk: Sequence[Message]
) -> Tokens:
    """Tokens of the whole request without what is read for it."""
    own = (_system(question.system),) if question.system else ()
    return counter.prompt((*own, system, *talk, *question.begun), question.tools)


def _whole_budget(
    corpus: Corpus, question: Question, talk: Sequence[Message], counter: TokenCounter, answer: int
) -> TokenBudget:
    read = counter.text(corpus.whole)
    said = _said(question, counter, _system(wording(counter.profile, counter.window).pages), talk)
    exact = counter.known and read.exact and said.exact
    return TokenBudget(read.count, said.count + _SPARE_TOKENS, answer, counter.window, exact)


def _system(*texts: str) -> Message:
    return Message("system", (Text("\n\n".join(texts)),))


def _without_files(messages: Sequence[Message]) -> tuple[Message, ...]:
    """What was said, called and shown, without the files that came with it and answers that never
    came."""
    talk = (_without_documents(each) for each in messages[:-1])
    said = (each for each in talk if each.role != "assistant" or each.text or each.calls)
    return (
        *(each for each in said if each.role != "user" or each.text or each.pictures),
        _without_documents(messages[-1]),
    )


def _without_documents(message: Message) -> Message:
    if not message.documents:
        return message
    return replace(
        message, parts=tuple(part for part in message.parts if not isinstance(part, Document))
    )


def _with_text_before(message: Message, text: str) -> Message:
    """The message with a text before its own."""
    shown = tuple(part for part in message.parts if not isinstance(part, Text))
    return replace(message, parts=(*shown, Text(f"{text}\n\n{message.text}")))
