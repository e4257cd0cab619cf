"""PostgreSQL, as `GLM_DATABASE` names it, reached by pg8000.

The URL is one of libpq (PostgreSQL's manual, 34.1.1.2): `postgresql://user:password@host:port/name`,
a socket's folder as `?host=/run/postgresql` or as a percent-encoded host, and the parameters of
`PARAMETERS`.
"""

from __future__ import annotations

import getpass
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

PORT = 5432
CONNECT_TIMEOUT_S = 10.0
"""How long a server that doesn't answer is waited for, unless the URL has `connect_timeout`."""
CONNECTIONS = 10
PARAMETERS = (
    "host", "port", "user", "password", "dbname", "sslmode", "connect_timeout", "application_name",
    "unix_sock",
)  # fmt: skip
NAME = "glm-all-tools"
"""What the server's list of connections shows."""


class BadUrl(ValueError):
    """`GLM_DATABASE` is no URL of a PostgreSQL; the message is a sentence without the URL."""


def open_engine(url: str) -> Engine:
    """The engine for a URL; connects to nothing yet. Raises `BadUrl`, and `ImportError` without
    the driver."""
    arguments = connect_arguments(url)
    # The URL stays out of the engine, whose text shows it.
    return create_engine(
        "postgresql+pg8000://", connect_args=dict(arguments), pool_pre_ping=True,
        pool_size=CONNECTIONS, max_overflow=CONNECTIONS, pool_timeout=CONNECT_TIMEOUT_S,
    )  # fmt: skip


def connect_arguments(url: str) -> Mapping[str, Any]:
    """pg8000's arguments for a URL of libpq. Raises `BadUrl`."""
    parsed = _parsed(url)
    query = {
        name: value if isinstance(value, str) else value[-1] for name, value in parsed.query.items()
    }
    if unknown := [name for name in query if name not in PARAMETERS]:
        raise BadUrl(f"GLM_DATABASE has an unknown parameter, {unknown[0][:40]}.")
    user = query.get("user") or parsed.username or getpass.getuser()
    found: dict[str, Any] = {
        "user": user,
        "password": query.get("password") or parsed.password,
        "database": query.get("dbname") or parsed.database or user,
        "application_name": query.get("application_name") or NAME,
        "timeout": _number(query.get("connect_timeout"), "connect_timeout", CONNECT_TIMEOUT_S),
        "tcp_keepalive": True,
    }
    host = unquote(query.get("host") or parsed.host or "localhost")
    port = int(_number(query.get("port"), "port", float(parsed.port or PORT)))
    socket = query.get("unix_sock") or (
        f"{host.rstrip('/')}/.s.PGSQL.{port}" if host[0] == "/" else ""
    )
    if socket:
        return {**found, "unix_sock": socket}
    return {**found, "host": host, "port": port, "ssl_context": _ssl(query.get("sslmode", ""))}


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise BadUrl("GLM_DATABASE should begin with postgresql://.") from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise BadUrl("GLM_DATABASE should begin with postgresql://.")
    return parsed


def _number(text: str | None, name: str, default: float) -> float:
    try:
        value = float(text) if text else default
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise BadUrl(f"{name} in GLM_DATABASE should be a number above 0.")
    return value


def _ssl(mode: str) -> ssl.SSLContext | None:
    if mode in ("", "disable", "allow", "prefer"):
        return None
    if mode not in ("require", "verify-ca", "verify-full"):
        raise BadUrl(
            "sslmode in GLM_DATABASE should be disable, require, verify-ca or verify-full."
        )
    context = ssl.create_default_context()
    context.check_hostname = mode == "verify-full"
    if mode == "require":
        context.verify_mode = ssl.CERT_NONE
    return context


_REASONS = {
    "28": "The database refuses the user or the password of GLM_DATABASE.",
    "3D000": "The database that GLM_DATABASE names does not exist.",
    "42501": "The user of GLM_DATABASE may not write to the database.",
    "25006": "The database that GLM_DATABASE names is read-only.",
    "53100": "The disk of the database is full.",
    "53": "The database has no room for another connection.",
    "57P": "The database is being stopped or started.",
    "22": "The database does not take what was to be stored.",
}
"""By SQLSTATE or its beginning (PostgreSQL's manual, appendix A)."""


def reason(error: BaseException) -> str | None:
    """Why the server refused, in one sentence; None where it did not say."""
    # Where the server closes the connection after its answer, pg8000 raises what came of that.
    chain: BaseException | None = error
    while chain is not None:
        answer = chain.args[0] if chain.args else None
        code = str(answer.get("C", "")) if isinstance(answer, dict) else ""
        for start, text in _REASONS.items():
            if code.startswith(start):
                return text
        chain = chain.__cause__ or chain.__context__
    return None
