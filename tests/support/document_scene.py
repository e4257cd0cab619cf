"""Documents in a test: pages made of texts, and a model that says what it is told to."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Generator, Iterator, Sequence

from app.core.agent.context import DocumentContext, Question
from app.core.document_qa.answering.prompt import ReadingMode, prepare
from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.retrieval.numbered_pages import NumberedPage
from app.core.document_qa.retrieval.token_counter import learn
from backends.base import Backend, Capabilities, GenerationConfig, Profile
from backends.errors import BackendError, ContextExceeded
from backends.events import AnswerFinished, ModelEvent, Notice, TextDelta
from backends.messages import Finish, Message, Usage, user
from tools.base import ToolSpec
from tools.documents.base import Page

WORDS = """
river house light wind stone harbour winter garden letter morning road silver train mountain
window music paper island forest kitchen market bridge story colour evening
"""


def sheets(
    *texts: str, name: str = "report.pdf", first: int = 1, unit: str = "page"
) -> list[NumberedPage]:
    """A document with a page for each text; `first` is the number of the first one in citations."""
    return [
        NumberedPage(first + at, name, Page(at + 1, text), unit, len(texts))
        for at, text in enumerate(texts)
    ]


def corpus(*texts: str) -> Corpus:
    """One document."""
    return Corpus(sheets(*texts))


def filler(seed: int, words: int) -> str:
    """Paragraphs of meaningless sentences."""
    chance, said = random.Random(seed), WORDS.split()
    sentences = [
        " ".join(chance.choices(said, k=10)).capitalize() + "." for _ in range(words // 10)
    ]
    return "\n\n".join(" ".join(sentences[at : at + 6]) for at in range(0, len(sentences), 6))


def question(
    text: str, history: Sequence[Message], backend: Backend, config: GenerationConfig
) -> Question:
    """A question that is asked after these messages, with nothing beside it."""
    return Question(history, user(text), (), "", (), backend, config)


class Read:
    """A `DocumentSource` with pages that have been read."""

    def __init__(self, corpus: Corpus, mode: ReadingMode = "auto") -> None:
        self.corpus, self.mode = corpus, mode

    def context(
        self, question: Question, cancel: threading.Event, narrow: bool
    ) -> Generator[ModelEvent, None, DocumentContext | None]:
        return (yield from prepare(self.corpus, question, self.mode, cancel, narrow))

    def too_long(self, backend: Backend, error: BackendError) -> None:
        if isinstance(error, ContextExceeded):
            learn(backend, error)


class Scripted:
    """A `Backend` that gives one answer after another, the last one again and again. A word or a
    sign is a token, where it `counts`. An answer may be an exception."""

    name = "scripted"

    def __init__(
        self,
        *answers: str | Exception,
        window: int | None = 8192,
        counts: bool = True,
        finish: Finish = "stop",
        profile: Profile = "standard",
    ) -> None:
        self.capabilities = Capabilities(context=window, profile=profile)
        self.asked: list[tuple[Sequence[Message], GenerationConfig]] = []
        self.counted = 0
        self._answers, self._counts, self._finish = answers or ("Yes.",), counts, finish

    def count_tokens(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int | None:
        if not self._counts:
            return None
        self.counted += 1
        count = sum(len(re.findall(r"\w+|[^\w\s]", message.text)) + 4 for message in messages)
        window = self.capabilities.context
        if window is not None and count > window:
            raise ContextExceeded(count - window, window)
        return count

    def generate(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        config: GenerationConfig,
        cancel: threading.Event,
    ) -> Iterator[ModelEvent]:
        answer = self._answers[min(len(self.asked), len(self._answers) - 1)]
        self.asked.append((tuple(messages), config))
        yield Notice("Waiting for the model: place 1 in the queue")
        yield Notice("")
        if isinstance(answer, Exception):
            raise answer
        for piece in re.findall(r"\S+\s*", answer):
            if cancel.is_set():
                yield AnswerFinished("cancelled", Usage(10, 0, 1))
                return
            yield TextDelta(piece)
        yield AnswerFinished(self._finish, Usage(100, 20, 5))

    def close(self) -> None:
        pass
