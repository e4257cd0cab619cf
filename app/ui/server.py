"""The server around the pages: middleware, startup and shutdown."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.types import Scope
from streamlit import config

from app.core import descriptors
from app.core.networks import networks
from app.core.settings import Settings
from app.ui.alive import WATCH
from app.ui.composer.message_box import GUARD
from app.ui.conversations import changes
from app.ui.http.media_files import OwnMedia
from app.ui.http.origin import OriginGuard
from app.ui.http.peer import keep_peers
from app.ui.http.security_headers import SecurityHeaders
from app.ui.http.trusted_header import TrustedHeader
from app.ui.http.visitor import VisitorCookie, visitor_of
from app.ui.limits.addresses import address_of
from app.ui.limits.admission import Admission
from app.ui.limits.connections import bound_connections
from app.ui.limits.leaving import keep_left_pages, sweep
from app.ui.limits.memory import settle, spare_collections
from app.ui.limits.reruns import RerunLimits
from app.ui.limits.uploads import UploadLimits, kept_by_streamlit, say_in_page
from app.ui.limits.visitors import ClientIdentity
from app.ui.metrics import count_fault, watch_turns
from app.ui.people.own_data import LEAVE
from app.ui.service import (
    LOOPBACK,
    UNVISITED,
    allowed_origins,
    listens_on_loopback,
    load_model_soon,
    loaded_settings,
    service,
)
from app.ui.transcript.sources import FOLLOW

log = logging.getLogger(__name__)

PAGE = "app.ui.page"
"""The module of a page with a conversation, the first that is asked for."""


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Builds the service at startup, and closes it with its kernels and files at shutdown."""
    # While the browser loads Streamlit's scripts: the first page finds its modules imported.
    threading.Thread(target=import_module, args=(PAGE,), name="import-page", daemon=True).start()
    built = service()
    built.folder.keep_temporary_files()
    watch_turns()
    # Streamlit's server turns larger requests away, whatever the message box allows.
    config.set_option("server.maxUploadSize", built.settings.upload_mb)
    spare_collections()
    bound_connections()
    capacity = descriptors.raise_limit()
    if capacity.limit:
        level = logging.INFO if capacity.pages >= descriptors.FEW_PAGES else logging.WARNING
        log.log(
            level, "%s file descriptors: room for %s open pages", capacity.limit, capacity.pages
        )
    left = keep_left_pages(st.get_option("server.disconnectedSessionTTL"))
    sweeping = asyncio.create_task(sweep(left))
    load_model_soon(UNVISITED)
    settle()
    try:
        yield
    finally:
        sweeping.cancel()
        built.close()


def log_fault(error: Exception) -> bool:
    """Handles an exception in a page: logs the traceback, and shows a sentence in the page."""
    log.error("a page failed", exc_info=error)
    count_fault()
    st.error(
        "Something in the app itself went wrong; it was logged. Your conversation is kept: "
        "reload the page to go on."
    )
    return True


def middleware() -> list[Middleware]:
    """The ASGI middleware of the app.

    A server on loopback accepts only loopback's host names and those of Streamlit's settings and
    `GLM_ORIGINS`: otherwise a foreign web page could reach it and its tools by DNS rebinding.
    """
    guards = [Middleware(OriginGuard, allowed_origins())]
    if listens_on_loopback():
        hosts = [*LOOPBACK, *(each.host for each in allowed_origins())]
        guards.insert(0, Middleware(TrustedHostMiddleware, hosts, www_redirect=False))
    settings = loaded_settings().settings
    accounts = []
    if settings.trusted_header:
        keep_peers()
        proxies = networks(settings.trusted_proxies)
        accounts = [Middleware(TrustedHeader, settings.trusted_header, proxies)]
    return [
        Middleware(SecurityHeaders, scripts=(FOLLOW, WATCH, GUARD, LEAVE, changes.WATCH)),
        *guards,
        *accounts,
        *_limits(settings),
        Middleware(VisitorCookie),
        Middleware(OwnMedia),
    ]


def _limits(limits: Settings) -> list[Middleware]:
    """The middleware that limits what one visitor or one address can use of the server."""
    proxies = networks(limits.proxies)
    identity = ClientIdentity(named_visitor, lambda scope: address_of(scope, proxies))
    return [
        Middleware(
            Admission,
            identity=identity,
            pages=limits.pages,
            address_pages=limits.address_pages,
            address_openings=limits.address_openings,
        ),
        Middleware(
            UploadLimits,
            identity=identity,
            visitor_mb=limits.visitor_files_mb,
            all_mb=limits.all_files_mb,
            kept=kept_by_streamlit,
            notify=say_in_page,
        ),
        Middleware(RerunLimits, identity=identity, rate=limits.reruns),
    ]


def named_visitor(scope: Scope) -> str | None:
    """The visitor of a request, see `identity`; None where nobody is known."""
    return visitor_of(HTTPConnection(scope))
