"""Networks in settings, and the names of headers that proxies in them send."""

from __future__ import annotations

import ipaddress
import re

_HEADER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}", re.ASCII)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """The addresses and networks of a setting, separated by commas. Raises `ValueError` with the
    expected form."""
    parts = (part.strip() for part in text.split(","))
    try:
        return tuple(ipaddress.ip_network(part, strict=False) for part in parts if part)
    except ValueError:
        raise ValueError("addresses and networks (10.0.0.0/8), separated by commas") from None


def named_networks(text: str) -> str:
    """`text`, if it is a valid list of networks. Raises `ValueError` as `networks` does."""
    networks(text)
    return text


def header_name(text: str) -> str:
    """`text`, if it can be the name of a header. Raises `ValueError` for other text."""
    if text and _HEADER_NAME.fullmatch(text) is None:
        raise ValueError("the name of a header, such as X-Forwarded-User")
    return text
