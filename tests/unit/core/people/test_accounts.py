"""People: who an account is, and what can be the name of one."""

from __future__ import annotations

import secrets

import pytest

from app.core.people.accounts import (
    ACCOUNT,
    MAX_NAME_CHARS,
    Person,
    account_name,
    admins,
    of_claims,
    of_header,
)
from app.core.visitor_tokens import KEY_BYTES, VisitorTokens

CLAIMS = {"iss": "https://id.example.org", "sub": "42", "email": "ann@example.org"}


def test_an_account_has_the_same_id_each_time_and_no_cookie_can_have_it() -> None:
    ann = of_header("ann")
    assert ann.id == of_header("ann").id != of_header("Ann").id
    assert ann.has_account and ann.id.startswith(ACCOUNT) and "ann" not in ann.id
    tokens = VisitorTokens(b"k" * KEY_BYTES)
    assert tokens.visitor(ann.id) is None and tokens.visitor(f"{ann.id}.x") is None
    assert ACCOUNT not in secrets.token_urlsafe(32)
    assert not Person(secrets.token_urlsafe(32)).has_account


def test_an_oidc_account_is_issuer_and_subject_whatever_its_mail_address() -> None:
    ann = of_claims(CLAIMS)
    assert ann is not None and ann.name == "ann@example.org"
    moved = of_claims(CLAIMS | {"email": "ann@elsewhere.example"})
    assert moved is not None and moved.id == ann.id
    for other in ({"sub": "43"}, {"iss": "https://other.example.org"}):
        person = of_claims(CLAIMS | other)
        assert person is not None and person.id != ann.id
    assert of_header("ann@example.org").id != ann.id


@pytest.mark.parametrize("verified", [None, False, "false", 1])
def test_a_mail_address_that_nobody_verified_names_no_admin(verified: object) -> None:
    person = of_claims(CLAIMS | {"email_verified": verified})
    assert person is not None and person.names == {"42"}


def test_a_verified_mail_address_names_an_admin() -> None:
    person = of_claims(CLAIMS | {"email_verified": True})
    assert person is not None and person.names & admins("bob@example.org, ann@example.org")


@pytest.mark.parametrize(
    "claims", [{}, {"iss": "x"}, {"sub": "x"}, {"iss": "", "sub": ""}, {"iss": 1, "sub": 2}]
)
def test_claims_that_do_not_say_who_it_is_are_nobody(claims: dict[str, object]) -> None:
    assert of_claims(claims) is None


@pytest.mark.parametrize(
    "text",
    ["", "  ", "a\nb", "a\0b", "a\x7fb", "a\u202eb", "a\u2028b", "a\u200bb", "\ud800", "x" * 321],
)
def test_what_can_be_no_account(text: str) -> None:
    assert len(text) > MAX_NAME_CHARS or not text.strip().isalnum()
    assert account_name(text) == ""


@pytest.mark.parametrize("text", ["ann", " Ann Lee ", "王小明", "josé@example.org", "x" * 320])
def test_what_can_be_an_account(text: str) -> None:
    assert account_name(text) == text.strip()
