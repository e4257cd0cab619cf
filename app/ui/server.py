"""What surrounds the pages: middleware, and what begins and ends with the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection
from starlette.types import Scope
from streamlit import config

from app.core import descriptors, settings
from app.core.networks import networks
from app.ui.alive import WATCH
from app.ui.composer.message_box import GUARD
from app.ui.http.media_files import OwnMedia
from app.ui.http.origin import OriginGuard
from app.ui.http.security_headers import SecurityHeaders
from app.ui.http.visitor import VisitorCookie, visitor_of
from app.ui.limits.addresses import address_of
from app.ui.limits.admission import Admission
from app.ui.limits.connections import bound_connections
from app.ui.limits.leaving import keep_left_pages, sweep
from app.ui.limits.memory import settle, spare_collections
from app.ui.limits.reruns import RerunLimits
from app.ui.limits.uploads import UploadLimits, kept_by_streamlit, say_in_page
from app.ui.limits.visitors import Who
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


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Builds the service with the server, and closes kernels and files with it."""
    made = service()
    made.folder.keep_temporary_files()
    # Streamlit's server turns larger requests away, whatever the message box allows.
    config.set_option("server.maxUploadSize", made.settings.upload_mb)
    spare_collections()
    bound_connections()
    room = descriptors.raise_limit()
    if room.limit:
        level = logging.INFO if room.pages >= descriptors.FEW_PAGES else logging.WARNING
        log.log(level, "%s file descriptors: room for %s open pages", room.limit, room.pages)
    left = keep_left_pages(st.get_option("server.disconnectedSessionTTL"))
    sweeping = asyncio.create_task(sweep(left))
    load_model_soon(UNVISITED)
    settle()
    try:
        yield
    finally:
        sweeping.cancel()
        made.close()


def log_fault(error: Exception) -> bool:
    """Our own mistake in a page: to the log whole, to the page as a sentence."""
    log.error("a page failed", exc_info=error)
    st.error(
        "Something in the app itself went wrong; it was logged. Your conversation is kept: "
        "reload the page to go on."
    )
    return True


def middleware() -> list[Middleware]:
    """The ASGI middleware of the app.

    A server on loopback answers to loopback's names alone, unless Streamlit or `GLM_ORIGINS` have
    others: else a web page elsewhere whose name is made to point here could use it, and its tools.
    """
    guards = [Middleware(OriginGuard, allowed_origins())]
    if listens_on_loopback():
        hosts = [*LOOPBACK, *(each.host for each in allowed_origins())]
        guards.insert(0, Middleware(TrustedHostMiddleware, hosts, www_redirect=False))
    limits = _limits(loaded_settings().settings)
    return [
        Middleware(SecurityHeaders, scripts=(FOLLOW, WATCH, GUARD)),
        *guards,
        *limits,
        Middleware(VisitorCookie),
        Middleware(OwnMedia),
    ]


def _limits(limits: settings.Settings) -> list[Middleware]:
    """What keeps one visitor from taking the server from everybody."""
    proxies = networks(limits.proxies)
    who = Who(named_visitor, lambda scope: address_of(scope, proxies))
    return [
        Middleware(
            Admission,
            who=who,
            pages=limits.pages,
            address_pages=limits.address_pages,
            address_openings=limits.address_openings,
        ),
        Middleware(
            UploadLimits,
            who=who,
            visitor_mb=limits.visitor_files_mb,
            all_mb=limits.all_files_mb,
            kept=kept_by_streamlit,
            say=say_in_page,
        ),
        Middleware(RerunLimits, who=who, rate=limits.reruns),
    ]


def named_visitor(scope: Scope) -> str | None:
    """The visitor of a request, by the signed cookie; None where there is none."""
    return visitor_of(HTTPConnection(scope))
