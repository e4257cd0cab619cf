"""The header of an account: who is believed, and which values; the cookie of a login likewise."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.datastructures import Headers
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from app.core.networks import networks
from app.ui.http import oidc_cookie
from app.ui.http.peer import PEER
from app.ui.http.trusted_header import TrustedHeader, named_in

PROXIES = networks("10.0.0.0/8, fd00::/8")
USER = "X-Forwarded-User"
KINDS = pytest.mark.parametrize("kind", ["http", "websocket"])


def named(
    kind: str, peer: str | None, *values: bytes, spelt: bytes = b"x-forwarded-user", **scope: Any
) -> str:
    """The account that an app behind the middleware sees."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(named_in(Headers(scope=scope), USER))
        assert ("host", "example.org") in Headers(scope=scope).items()

    headers = [(b"host", b"example.org"), *((spelt, value) for value in values)]
    client = None if peer is None else (peer, 1234)
    whole = {"type": kind, "headers": headers, "client": client, **scope}
    asyncio.run(TrustedHeader(app, USER, PROXIES)(whole, None, None))  # type: ignore[arg-type]
    return seen[0]


@KINDS
@pytest.mark.parametrize("peer", ["10.0.0.1", "10.255.255.255", "::ffff:10.0.0.1", "fd00::1"])
def test_a_proxy_is_believed(kind: str, peer: str) -> None:
    assert named(kind, peer, b"ann") == "ann"
    assert named(kind, peer, b"ann", spelt=b"X-FORWARDED-USER") == "ann"


@KINDS
@pytest.mark.parametrize(
    "peer", [None, "", "11.0.0.1", "127.0.0.1", "::1", "::ffff:11.0.0.1", "fe80::1", "unix:", "x"]
)
def test_nobody_else_is(kind: str, peer: str | None) -> None:
    assert named(kind, peer, b"ann") == ""


@KINDS
def test_the_connection_counts_and_not_what_a_header_made_of_it(kind: str) -> None:
    assert named(kind, "10.0.0.1", b"ann", **{PEER: "192.0.2.1"}) == ""
    assert named(kind, "192.0.2.1", b"ann", **{PEER: "10.0.0.1"}) == "ann"


@KINDS
@pytest.mark.parametrize(
    "values",
    [
        (),
        (b"",),
        (b"  ",),
        (b"ann", b"ann"),
        (b"ann", b""),
        (b"a\x00b",),
        (b"a\nb",),
        (b"a\x7fb",),
        (b"\xff\xfe",),
        ("a\u202eb".encode(),),
        ("a\u00a0b".encode(),),
        (b"x" * 321,),
        (b"x" * 1_000_000,),
    ],
)
def test_a_value_that_names_nobody_is_dropped(kind: str, values: tuple[bytes, ...]) -> None:
    assert named(kind, "10.0.0.1", *values) == ""


@KINDS
@pytest.mark.parametrize(
    "name", ["ann", "Ann Lee", "王小明@example.org", "josé", '100% {a}; b=c, "d"', "%41nn"]
)
def test_a_name_arrives_as_it_is(kind: str, name: str) -> None:
    assert named(kind, "10.0.0.1", name.encode()) == name


SECRET, OURS = "a secret of at least thirty-two letters", "https://glm.example.org"
CLAIMS: dict[str, Any] = {
    "iss": "https://id.example.org", "sub": "42", "is_logged_in": True, "origin": OURS
}  # fmt: skip


@pytest.fixture(autouse=True)
def set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `[auth]` in Streamlit's secrets would."""
    monkeypatch.setattr(oidc_cookie, "providers", lambda: ("default",))
    monkeypatch.setattr(oidc_cookie, "_origin", lambda: OURS)
    monkeypatch.setattr(oidc_cookie, "get_cookie_secret", lambda: SECRET)


def cookie(content: str, secret: str = SECRET, name: str = "_streamlit_user") -> dict[str, str]:
    return {"_streamlit_user": create_signed_value(secret, name, content).decode()}


def test_the_cookie_of_a_login_names_its_account() -> None:
    person = oidc_cookie.signed_in(cookie(json.dumps(CLAIMS)))
    assert person is not None and person.has_account and person.name == "42"


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "https://glm.example.org:8502"},  # another app of the host, with the same secret
        {"origin": None},
        {"is_logged_in": False},
        {"is_logged_in": "true"},
        {"sub": ""},
        {"iss": None},
    ],
)
def test_what_is_no_login_here_names_nobody(changed: dict[str, Any]) -> None:
    assert oidc_cookie.signed_in(cookie(json.dumps(CLAIMS | changed))) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "[" * 100_000, '"text"'])
def test_content_that_is_none_names_nobody(content: str) -> None:
    assert oidc_cookie.signed_in(cookie(content)) is None


def test_a_cookie_that_was_not_signed_here_names_nobody() -> None:
    whole = json.dumps(CLAIMS)
    for forged in (
        cookie(whole, secret="another secret of thirty-two letters"),
        cookie(whole, name="_streamlit_user_tokens"),
        {"_streamlit_user": whole},
        {"_streamlit_user": ""},
        {"_streamlit_user": "\u20ac"},
        {},
    ):
        assert oidc_cookie.signed_in(forged) is None
