"""Origins as browsers write them, and lists of them in the settings."""

from __future__ import annotations

import pytest

from app.core.origins import Origin, origin, origins
from app.core.settings import load


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("http://a.example", "http://a.example:80"),
        ("https://a.example", "https://a.example:443"),
        ("HTTPS://A.Example", "https://a.example"),
        ("http://a.example:", "http://a.example"),
        ("http://[::1]:8501", "http://[::1]:08501"),
    ],
)
def test_the_same_origin_in_other_words(text: str, same: str) -> None:
    assert origin(text) is not None
    assert origin(text) == origin(same)


@pytest.mark.parametrize(
    "other",
    [
        "https://a.example",
        "http://a.example:8501",
        "http://b.example",
        "http://a.example.",
        "http://sub.a.example",
        "http://a.example.evil",
        "http://127.0.0.1",
        "http://localhost",
    ],
)
def test_another_scheme_host_or_port_is_another_origin(other: str) -> None:
    assert origin(other) is not None
    assert origin(other) != origin("http://a.example")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "a.example",
        "//a.example",
        "http://",
        "http://a.example/",
        "http://a.example/path",
        "http://a.example?q",
        "http://a.example#f",
        "http://me@a.example",
        "http://me:word@a.example",
        "http://a.example:port",
        "http://a.example:123456",
        "http://a.example:80:80",
        "http://a.example\n",
        " http://a.example",
        "http://a.example http://b.example",
        "http://a\\b",
        "http://*.example",
        "http://::1",
        "ws://a.example",
        "file://",
        "chrome-extension://abcdef",
        "http://ä.example",
    ],
)
def test_what_is_no_origin(text: str) -> None:
    assert origin(text) is None


def test_a_list_of_origins() -> None:
    text = " https://a.example/, http://b.example:8080 ,,"
    assert origins(text) == {Origin("https", "a.example", 443), Origin("http", "b.example", 8080)}
    assert origins("") == frozenset()
    with pytest.raises(ValueError, match="not an origin"):
        origins("https://a.example, *")


def test_a_setting_that_is_no_list_of_origins_is_told() -> None:
    assert load({"GLM_ORIGINS": "https://a.example"}).settings.origins == "https://a.example"
    loaded = load({"GLM_ORIGINS": "glm.example.org"})
    assert loaded.settings.origins == ""
    assert loaded.problems == (
        "GLM_ORIGINS is 'glm.example.org', but should be origins such as "
        "https://glm.example.org, with commas between. It is not used.",
    )
