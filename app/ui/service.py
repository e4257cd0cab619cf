"""The one `Service` of this process, and the origins from which it is reached."""

from __future__ import annotations

import threading
from functools import cache

import streamlit as st

from app.core import settings
from app.core.models.host import ModelHost
from app.core.origins import Origin, origins
from app.core.service import Service
from app.core.settings import Loaded

# Seconds until the model begins to load: after the first page was sent, or without a visitor.
PAINTED, UNVISITED = 1.5, 5.0
LOOPBACK = ("127.0.0.1", "localhost")
_building = threading.Lock()


def service() -> Service:
    """The one service of this process."""
    with _building:
        return _service()


@cache
def _service() -> Service:
    return Service(loaded_settings(), local=is_local(), history=True)


@cache
def loaded_settings() -> Loaded:
    """The settings, read once."""
    return settings.load()


def is_local() -> bool:
    """Whether only this machine reaches the pages. Where other host names are allowed, a proxy is
    assumed to forward requests from elsewhere."""
    return listens_on_loopback() and {each.host for each in allowed_origins()} <= set(LOOPBACK)


def listens_on_loopback() -> bool:
    """Whether Streamlit listens on loopback and allows no other host names."""
    address = st.get_option("server.address")
    return address in LOOPBACK and not st.get_option("server.allowedHosts")


def allowed_origins() -> frozenset[Origin]:
    """The origins under which a proxy serves the app, besides the server's own address."""
    return origins(loaded_settings().settings.origins)


def load_model_soon(seconds: float, model: ModelHost | None = None) -> None:
    """Begins to load the model after `seconds`: loading holds the interpreter, and the page that
    is being drawn goes first."""
    model = model or service().model
    if model.state == "idle":
        later = threading.Timer(seconds, model.start)
        later.daemon = True
        later.start()
