"""The client address of a request, also behind proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import Scope
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.core.networks import Network, networks
from app.ui.service import loaded_settings

IPV6_HOST_BITS = 64
"""An IPv6 site has a network of at least /64 (RFC 4291), which is counted as one address."""


def address_of(scope: Scope, proxies: Sequence[Network] = ()) -> str:
    """The client's address, for limits.

    Arguments:
        scope: the ASGI scope of the request.
        proxies: the networks of trusted proxies. If the peer is in one, the client is the last
            address in `X-Forwarded-For` that is not.

    Returns an empty string if the client is unknown: a peer on this machine may be its user, or a
    proxy that no setting names.
    """
    client = scope.get("client")
    peer = _parsed(client[0] if client else "")
    if peer is None:
        return ""
    if any(_within(peer, network) for network in proxies):
        forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
        for name in reversed(forwarded.split(",")):
            found = _parsed(name.strip())
            if found is None:
                break
            peer = found
            if not any(_within(peer, network) for network in proxies):
                return _counted(peer)
    return "" if peer.is_loopback else _counted(peer)


def page_address() -> str:
    """`address_of` the page whose script runs."""
    context = get_script_run_ctx()
    client = runtime.get_instance().get_client(context.session_id) if context is not None else None
    known = client.client_context if client is not None else None
    if known is None:
        return ""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in known.headers]
    scope = {"client": (known.remote_ip or "", 0), "headers": headers}
    return address_of(scope, networks(loaded_settings().settings.proxies))


def _parsed(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: Network) -> bool:
    return address.version == network.version and address in network


def _counted(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, IPV6_HOST_BITS), strict=False))
