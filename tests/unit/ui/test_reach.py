"""Whether others than this machine reach the pages, which decides what is on offer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.ui import server, service


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    service.loaded_settings.cache_clear()
    yield
    service.loaded_settings.cache_clear()


@pytest.mark.parametrize(
    ("address", "hosts", "origins", "local"),
    [
        ("127.0.0.1", [], "", True),
        ("localhost", [], "", True),
        ("127.0.0.1", [], "http://localhost:9000, https://127.0.0.1", True),
        ("127.0.0.1", [], "https://glm.example.org", False),
        ("127.0.0.1", [], "http://localhost:9000, https://glm.example.org", False),
        ("127.0.0.1", ["glm.example.org"], "", False),
        ("0.0.0.0", [], "", False),
        ("0.0.0.0", [], "http://localhost:9000", False),
        (None, [], "", False),
    ],
)
def test_a_server_that_a_proxy_passes_on_is_not_local(
    address: str | None,
    hosts: list[str],
    origins: str,
    local: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {"server.address": address, "server.allowedHosts": hosts}
    monkeypatch.setattr(server.st, "get_option", options.__getitem__)
    monkeypatch.setenv("GLM_ORIGINS", origins)
    assert service.is_local() is local
