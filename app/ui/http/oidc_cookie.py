"""The account of a browser that signed in with OIDC, by the cookie that Streamlit sets then.

`st.user` is of pages alone, and needs the header Origin; files are asked for without either. So
the cookie is read here, for pages and routes alike, with Streamlit's own functions.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import cache

from streamlit.auth_util import (
    get_cookie_with_chunks,
    get_origin_from_redirect_uri,
    get_secrets_auth_section,
    is_authlib_installed,
)
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from app.core.people.accounts import Person, of_claims

log = logging.getLogger(__name__)


@cache
def providers() -> tuple[str, ...]:
    """The OIDC providers of `[auth]` in Streamlit's secrets, by name; empty without set-up."""
    try:
        section = get_secrets_auth_section()
        given = section.to_dict() if section else {}
    except Exception:  # a file that is no TOML: the app goes on without accounts
        log.exception("the secrets could not be read: nobody can sign in")
        return ()
    if given and not is_authlib_installed():
        log.error("nobody can sign in: [auth] needs Authlib, pip install Authlib")
        return ()
    named = tuple(name for name, value in given.items() if isinstance(value, dict))
    return (*(("default",) if "client_id" in given else ()), *named)


@cache
def _origin() -> str | None:
    return get_origin_from_redirect_uri()


def signed_in(cookies: Mapping[str, str]) -> Person | None:
    """The person whom the cookies of a request name; None where nobody signed in."""
    if not providers() or USER_COOKIE_NAME not in cookies:
        return None
    secret = get_cookie_secret()

    def decoded(name: str) -> bytes | None:
        value = cookies.get(name)
        return None if value is None else decode_signed_value(secret, name, value)

    try:
        claims = json.loads(get_cookie_with_chunks(decoded, USER_COOKIE_NAME) or b"{}")
    except (ValueError, TypeError, RecursionError):
        return None
    # Another app of this host, on another port, may share the secret: browsers send it here too.
    if not isinstance(claims, dict) or claims.get("origin") != _origin():
        return None
    return of_claims(claims) if claims.get("is_logged_in") is True else None
