"""CPU seconds of a turn in a conversation of 2,000 messages, over those of a turn in one of 50.

The page's own script in a Chat and a Tools conversation, run by Streamlit's `AppTest` in this
process, which watches a real answer of 150 pieces in one and a half seconds; the model server is a
process of its own. Counted is what this process takes from the question until the page is at rest:
the request, the answer's events, and what is drawn.
"""

from __future__ import annotations

import contextlib
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from unittest.mock import patch

from streamlit.testing.v1 import AppTest

from app.core.agent.loop import TurnConfig
from app.core.conversation import Conversation
from app.core.modes import Mode
from app.core.service import Service
from app.core.sessions.session import Session
from app.core.settings import Loaded, Settings
from backends.events import Notice
from backends.messages import Message, Text, Usage, user
from tests.bench.figures import Figure, at_most, spread

SHORT, LONG = 50, 2000
RUNS = 5
SHARE = 1.2
QUESTION = "and so on, word by word, " * 24
ANSWER = """Some **bold** words, and a list:

- the first item of it,
- and the second one.

```python
print("a line of code")
```

And a paragraph of an ordinary length, that says what there is to say. """


def measure() -> list[Figure]:
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    figures: list[Figure] = []
    with _endpoint() as address:
        for mode in ("chat", "tools"):
            short, long = (_turns(address, mode, messages) for messages in (SHORT, LONG))
            share = statistics.median(long) / statistics.median(short)
            figures += [
                at_most(
                    f"{mode}: a turn at {LONG:,} messages, over one at {SHORT}", share, SHARE, ""
                ),
                Figure(f"  at {SHORT}", spread(short, "s of CPU", 3)),
                Figure(f"  at {LONG:,}", spread(long, "s of CPU", 3)),
            ]
    return figures


@contextlib.contextmanager
def _endpoint() -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "tests.support.scripted_server",
        "--port",
        "0",
        "--rate",
        "100",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def _turns(address: str, mode: Mode, messages: int) -> list[float]:
    """CPU seconds of some turns, each after a conversation of so many messages."""
    with tempfile.TemporaryDirectory(prefix="glm-bench-") as folder:
        settings = Settings(model=address, data=folder, python_sandbox="none", search="local:.")
        service = Service(Loaded(settings, {}))
        with contextlib.closing(service), patch("app.ui.page.service", lambda: service):
            session = service.sessions.open("bench", mode)
            _lead(session, messages)
            page = AppTest.from_function(_page, kwargs={"mode": mode}, default_timeout=120).run()
            return [_turn(page, session) for _ in range(RUNS + 1)][1:]


def _page(mode: str) -> None:
    from typing import Any, cast

    from app.ui import page

    cast(Any, page).visitor = lambda: "bench"
    page.show_conversation(cast(Any, mode))


def _lead(session: Session, messages: int) -> None:
    """Has the conversation be one of so many messages, the last one just answered."""
    said = [
        message
        for at in range(messages // 2)
        for message in (
            user(f"Question {at}, about this and that"),
            Message("assistant", (Text(f"Answer {at}. {ANSWER}" * 2),), usage=Usage(9, 0, 90, 0.1)),
        )
    ]

    def prepare(*_: object) -> Generator[Notice, None, Conversation]:
        yield from ()
        return Conversation().append(*said[:-1])

    session.retry(TurnConfig(), prepare)
    _rest(session)


def _turn(page: AppTest, session: Session) -> float:
    begun = time.process_time()
    session.start_turn(user(QUESTION), TurnConfig())
    page.run()
    took = time.process_time() - begun
    if page.exception or session.running:
        raise RuntimeError("the page did not come to its end")
    return took


def _rest(session: Session) -> None:
    while session.running:
        session.wait(session.view().version, 1)
