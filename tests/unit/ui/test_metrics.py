"""/metrics on the real server: what it counts, and who may read it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.page_client import open_page
from tests.support.raw_http import ask
from tests.support.running_app import RunningApp, start_app
from tests.support.scripted_server import ScriptedServer
from tests.support.scripted_steps import Finish, Status, Text, Usage

KEY = "a-key-for-metrics"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[ScriptedServer]:
    with ScriptedServer([[Text("Here it is."), Finish(), Usage(40, 3)]]) as server:
        yield server


def metrics(app: RunningApp, headers: Mapping[str, str] = MappingProxyType({})) -> dict[str, float]:
    """The values by name and labels."""
    answer = ask(app.url, "/metrics", headers)
    assert answer.status == 200 and "text/plain" in str(answer.headers["Content-Type"])
    return {
        " ".join([sample.name, *map(str, sample.labels.values())]): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


async def turn(app: RunningApp, text: str) -> None:
    async with open_page(app.url) as page:
        await page.rerun()
        await page.until(lambda page: page.at_rest)
        await page.send(text)
        await page.until(lambda page: page.answered)


def test_on_loopback_turns_tokens_times_and_errors_are_counted(endpoint: ScriptedServer) -> None:
    environment = {"GLM_MODEL": f"{endpoint.url}#scripted", "GLM_RETRIES": "0"}
    with start_app(environment) as app:
        before = metrics(app)
        assert before["glm_sessions"] == 0 and before["glm_errors_total turn"] == 0
        asyncio.run(turn(app, "a question"))
        asyncio.run(turn(app, "another"))
        endpoint.script = lambda body: [Status(400, '{"error": {"message": "no"}}')]
        asyncio.run(turn(app, "a third"))
        after = metrics(app)
    assert after["glm_turns_total stop"] == 2 and after["glm_turns_total error"] == 1
    assert after["glm_tokens_total read"] == 80 and after["glm_tokens_total written"] == 6
    assert (
        after["glm_first_token_seconds_count"] == 2 == after["glm_first_token_seconds_bucket +Inf"]
    )
    assert after["glm_turn_seconds_count"] == 3
    assert after["glm_errors_total turn"] == 1 and after["glm_errors_total page"] == 0
    assert after["glm_sessions"] == 3
    assert after["glm_turns_running"] == after["glm_queue_length"] == after["glm_kernels"] == 0


@pytest.mark.parametrize("key", ["", KEY])
def test_where_others_reach_the_app_it_needs_the_key(endpoint: ScriptedServer, key: str) -> None:
    environment = {
        "GLM_MODEL": f"{endpoint.url}#scripted",
        "GLM_ORIGINS": "https://glm.example.org",  # a proxy passes requests on
        "GLM_METRICS_KEY": key,
    }
    with start_app(environment) as app:
        for sent in ("", "Bearer", "Bearer ", "Bearer wrong", f"Basic {KEY}", KEY, "Bearer \xff"):
            answer = ask(app.url, "/metrics", {"Authorization": sent})
            assert answer.status == 401 and KEY.encode() not in answer.body
        right = {"Authorization": f"Bearer {KEY}"}
        if key:
            assert "glm_sessions" in metrics(app, right)
        else:
            assert ask(app.url, "/metrics", right).status == 401
