"""People: by an account, or by the cookie of their browser.

An account comes from a proxy's header or from an OIDC provider. Its id is a digest behind a prefix:
it takes the place of a cookie's token wherever something belongs to somebody, no token can equal
it, and it tells no name.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT = "account:"
"""The prefix of an account's id. A cookie's token has no colon (`secrets.token_urlsafe`)."""
MAX_NAME_CHARS = 320
"""The longest mail address (RFC 3696, errata 1690: 64 + 1 + 255), rounded up."""


@dataclass(frozen=True)
class Person:
    """Whoever uses the app. `id` is the key of all that belongs to the person; `name` is how an
    account is shown, empty for a browser without one; `names` are those by which `GLM_ADMINS`
    may name the account."""

    id: str
    name: str = ""
    names: frozenset[str] = frozenset()

    @property
    def has_account(self) -> bool:
        return self.id.startswith(ACCOUNT)


def of_header(name: str) -> Person:
    """The person of an account that a proxy names."""
    return Person(_id("header", name), name, frozenset({name}))


def of_claims(claims: Mapping[str, Any]) -> Person | None:
    """The person of an OIDC identity token; None where it does not say who that is.

    Issuer and subject are the account (OpenID Connect Core, section 5.7): a mail address may go to
    somebody else. It names an admin only where the provider has verified it.
    """
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not (isinstance(issuer, str) and isinstance(subject, str) and issuer and subject):
        return None
    mail = account_name(str(claims.get("email") or ""))
    said = claims.get("email_verified")
    verified = mail if said is True or said == "true" else ""
    other = (account_name(str(claims.get(each) or "")) for each in ("preferred_username", "name"))
    name = mail or next(filter(None, other), "") or account_name(subject) or "Account"
    return Person(_id("oidc", issuer, subject), name, frozenset({subject, verified} - {""}))


def account_name(text: str) -> str:
    """`text` without blanks around it, where it can be an account's name; else empty: too long,
    or with characters that are not seen, such as line breaks or marks of direction."""
    name = text.strip(" \t")
    seen = all(unicodedata.category(each)[0] not in "CZ" or each == " " for each in name)
    return name if seen and len(name) <= MAX_NAME_CHARS else ""


def admins(text: str) -> frozenset[str]:
    """The names in a comma-separated list."""
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def _id(*parts: str) -> str:
    return ACCOUNT + hashlib.sha256("\n".join(parts).encode()).hexdigest()
