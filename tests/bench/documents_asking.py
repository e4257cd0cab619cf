"""Whether a fact in a long document reaches the model, and how soon a second question is answered.

Texts of 10,000, 100,000 and 1,000,000 tokens, made of sentences that say much the same of others,
with `FACTS` facts at each depth of 0, 10, … 100%. Each is asked for once with the whole document
(a window that holds it) and once by passages (a window of 8,192 tokens, as the bundled model's);
counted is in how many of the prompts that a model was sent the fact stands. A question is a fact
turned round: it shares its words. Choosing is timed on the longest text, from the question to the
prompt, indexed before.

The second question over a document of 5,000 tokens is timed on the bundled model, from the
question to the first text, as a share of the first one's.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import product

from app.core.document_qa.answering.prompt import ReadingMode, compose
from app.core.document_qa.retrieval.corpus import Corpus
from app.core.document_qa.retrieval.numbered_pages import NumberedPage
from app.core.document_qa.retrieval.token_counter import estimate_tokens
from backends import bundled
from backends.base import Backend, GenerationConfig
from backends.events import TextDelta
from backends.llama_cpp.backend import LlamaCpp
from backends.messages import Message, Text, user
from tests.bench.figures import Figure, at_least, at_most, spread
from tests.support.document_scene import Scripted
from tools.documents.base import Page

SIZES = (10_000, 100_000, 1_000_000)
DEPTHS = range(0, 101, 10)
FACTS = 3
WHOLE, PASSAGES, CHOOSING, SHARE = 1.0, 0.95, 0.2, 0.05
WINDOW = 8_192
PAGE = 450  # tokens
RUNS, TOKENS = 3, 5_000
CONFIG = GenerationConfig(temperature=0.0, max_tokens=512)

KINDS = "old new small wide northern southern white broken famous hidden wooden heavy"
THINGS = """bridge tower boat clock garden mill station library harbour church bell road theatre
museum lighthouse statue fountain well gate chapel"""
PLACES = """Morrow Lindgren Ashby Tarn Velden Osei Kirkby Dunmore Halden Rosario Perth Quill Saxby
Umber Wexley Yarrow Zennor Corran Elmstead Farrow"""
DONE = "painted built repaired measured sold opened visited described drawn moved"
NAMES = """Adeyemi Petrova Okafor Novak Silva Haugen Tanaka Moreau Castillo Weber Rossi Khan Jansen
Duarte Ferro Galanis Horvat Ilves Jovanovic Kowalski"""
TAILS = ("after a long debate", "without much hurry", "because of the rain", "with great care",
         "in spite of the cost", "as the council had wished", "on a cold morning")  # fmt: skip


def measure() -> list[Figure]:
    figures: list[Figure] = []
    choosing: list[float] = []
    for size in SIZES:
        corpus, facts = _document(size)
        name = f"{size:,} tokens"
        large = Scripted(window=4 * size, counts=False)
        figures.append(at_least(f"whole, {name}", _share(corpus, facts, "whole", large), WHOLE, ""))
        began = time.monotonic()
        corpus.prepare()
        indexed = time.monotonic() - began
        small = Scripted(window=WINDOW, counts=False)
        share = _share(corpus, facts, "passages", small, choosing if size == SIZES[-1] else None)
        figures.append(at_least(f"by passages, {name}", share, PASSAGES, ""))
        figures.append(Figure("  indexed in", f"{indexed:.1f} s"))
    figures.append(at_most("choosing passages", statistics.median(choosing), CHOOSING, "s"))
    figures.append(Figure("  all questions", spread(choosing, "s")))
    return [*figures, *_second_question()]


# -- facts ---------------------------------------------------------------------------------------


def _document(size: int) -> tuple[Corpus, list[tuple[str, str]]]:
    """A text of so many tokens, and its facts with their questions."""
    chance = random.Random(size)
    combinations = list(product(KINDS.split(), THINGS.split(), PLACES.split()))
    chance.shuffle(combinations)
    count = len(DEPTHS) * FACTS
    facts = [_fact(chance, *each) for each in combinations[:count]]
    others = combinations[count:]
    pages = max(len(DEPTHS), size // PAGE)
    texts = [_page(chance, others) for _ in range(pages)]
    for at, (fact, _) in enumerate(facts):
        page = round((pages - 1) * DEPTHS[at // FACTS] / 100)
        paragraphs = texts[page].split("\n\n")
        place = chance.randrange(len(paragraphs))
        paragraphs[place] = f"{paragraphs[place]} {fact}"
        texts[page] = "\n\n".join(paragraphs)
    return _corpus(texts), facts


def _fact(chance: random.Random, kind: str, thing: str, place: str) -> tuple[str, str]:
    done = chance.choice(DONE.split())
    fact = f"The {kind} {thing} of {place} was {done} by {chance.choice(NAMES.split())}."
    return fact, f"Who {done} the {kind} {thing} of {place}?"


def _page(chance: random.Random, others: Sequence[tuple[str, str, str]]) -> str:
    paragraphs: list[str] = []
    tokens = 0
    while tokens < PAGE:
        sentences = [_sentence(chance, others) for _ in range(chance.randint(3, 7))]
        paragraphs.append(" ".join(sentences))
        tokens += estimate_tokens(paragraphs[-1])
    return "\n\n".join(paragraphs)


def _sentence(chance: random.Random, others: Sequence[tuple[str, str, str]]) -> str:
    kind, thing, place = chance.choice(others)
    if chance.random() < 0.2:
        return _fact(chance, kind, thing, place)[0]
    return f"{chance.choice(NAMES.split())} spoke of the {thing} {chance.choice(TAILS)}."


def _corpus(texts: Sequence[str]) -> Corpus:
    return Corpus(
        NumberedPage(at, "report.pdf", Page(at, text), pages=len(texts))
        for at, text in enumerate(texts, 1)
    )


def _share(
    corpus: Corpus,
    facts: Sequence[tuple[str, str]],
    way: ReadingMode,
    backend: Scripted,
    seconds: list[float] | None = None,
) -> float:
    """The share of the facts that stand in what was sent when they were asked for."""
    found = 0
    for fact, question in facts:
        began = time.monotonic()
        messages = compose(corpus, question, (), way, backend, CONFIG).messages
        if seconds is not None:
            seconds.append(time.monotonic() - began)
        for _ in backend.generate(messages, (), CONFIG, threading.Event()):
            pass
        sent = backend.asked.pop()[0]
        found += any(fact in message.text for message in sent)
    return found / len(facts)


# -- the second question -------------------------------------------------------------------------


def _second_question() -> list[Figure]:
    engine = bundled.open_model()
    try:
        _first_token(engine, [user("Hello")])
        runs = [_two_questions(engine, run) for run in range(RUNS)]
    finally:
        engine.close()
    first, second = zip(*runs, strict=True)
    shares = [two / one for one, two in runs]
    return [
        at_most("second question's wait, as a share", statistics.median(shares), SHARE, "", 3),
        Figure("  first question", spread(first, "s")),
        Figure("  second question", spread(second, "s")),
    ]


def _two_questions(engine: LlamaCpp, run: int) -> tuple[float, float]:
    chance = random.Random(run)
    texts: list[str] = []
    for text in iter(lambda: _page(chance, [("old", "bridge", "Morrow")]), None):
        if engine.count_tokens([user("\n".join([*texts, text]))], ()) > TOKENS:
            break
        texts.append(text)
    corpus = _corpus(texts)
    question = "What is said of the bridge?"
    first, said = _asked(engine, corpus, question, ())
    history = (user(question), Message("assistant", (Text(said),)))
    second, _ = _asked(engine, corpus, "And who spoke of the tower?", history)
    return first, second


def _asked(
    engine: Backend, corpus: Corpus, question: str, history: Sequence[Message]
) -> tuple[float, str]:
    began = time.monotonic()
    messages = compose(corpus, question, history, "whole", engine, CONFIG).messages
    composed = time.monotonic() - began
    seconds, said = _first_token(engine, messages)
    return composed + seconds, said


def _first_token(engine: Backend, messages: Sequence[Message]) -> tuple[float, str]:
    """Seconds to the first text, and all of the answer."""
    began = time.monotonic()
    first, said = 0.0, ""
    for piece in _pieces(engine, messages):
        first = first or time.monotonic() - began
        said += piece
    return first, said


def _pieces(engine: Backend, messages: Sequence[Message]) -> Iterator[str]:
    config = GenerationConfig(temperature=0.0, max_tokens=24)
    for event in engine.generate(messages, (), config, threading.Event()):
        if isinstance(event, TextDelta):
            yield event.text
