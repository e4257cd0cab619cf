"""The SSRF guard: allows connections to the public internet and to the operator's allow list.

The guard checks the resolved IP address, not the host name. `connect` resolves, checks and
connects in one step, which prevents DNS rebinding (a name that changes its address in between).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

import idna

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

RESOLVE_TIMEOUT_S = 8.0  # of one host name
CONNECT_TIMEOUT_S = 4.0  # of each address of a name

# Networks that embed an IPv4 address in the last 32 bits (RFC 4291, 2765, 6052).
_EMBEDS_IPV4 = tuple(
    IPv6Network(network)
    for network in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
_THIS_NETWORK = IPv4Network("0.0.0.0/8")
_CARRIER_GRADE_NAT = IPv4Network("100.64.0.0/10")  # carrier-grade NAT, RFC 6598
_UNICAST = IPv6Network("2000::/3")  # all global unicast addresses that IANA has allocated
# Local-use NAT64 (RFC 8215) and Teredo (RFC 4380): their real destination is unknown.
_OPAQUE = (IPv6Network("64:ff9b:1::/48"), IPv6Network("2001::/32"))

# "Bad ports" of the Fetch standard, https://fetch.spec.whatwg.org/#port-blocking
_BAD_PORTS = frozenset({
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389,
    427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636,
    989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665,
    6666, 6667, 6668, 6669, 6679, 6697, 10080,
})  # fmt: skip


class Refused(Exception):
    """The guard forbids the connection. The message is one line ("the address is private")."""


class Unreachable(Exception):
    """The connection is allowed, but failed. The message is one line."""


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The IP addresses of `host` from the system's resolver, without duplicates. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@dataclass(frozen=True)
class Opening:
    """One entry of the allow list.

    An entry has a `network`, or a `host` (`*.host` for all its subdomains). `port` None stands
    for all ports.
    """

    network: Network | None
    host: str
    port: int | None

    def opens(self, host: str, address: Address | None, port: int) -> bool:
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            return address is not None and address in self.network
        if self.host.startswith("*."):
            return host.endswith(self.host[1:])
        return host == self.host


def opening(entry: str) -> Opening:
    """Parses an entry of the allow list.

    Entries are such as `10.0.0.0/8`, `127.0.0.1:8123`, `[::1]:80`, `intranet.example` or
    `*.intranet.example:8080`. Raises ValueError for any other text.
    """
    text = entry.strip()
    network = _network(text)
    if network is not None:
        return Opening(network, "", None)
    name, colon, digits = text.rpartition(":")
    if not colon:
        name, digits = text, ""
    port = int(digits) if digits.isascii() and digits.isdigit() else None
    network = _network(name.removeprefix("[").removesuffix("]"))
    wild = name.startswith("*.")
    host = "" if network is not None else plain_host(name.removeprefix("*."))
    if (network is None and not host) or (colon and not (port and port < 65536)):
        raise ValueError(f"{entry!r} is neither a host nor a network, with or without a port.")
    return Opening(network, f"*.{host}" if wild else host, port)


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def plain_host(host: str) -> str:
    """A host name normalized to lower case and ASCII, without a final dot; "" if it is invalid."""
    host = host.strip().rstrip(".").lower()
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            return ""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-_.:")
    return host if set(host) <= allowed else ""


def trouble_of(address: Address) -> str:
    """The kind of a non-public address, such as "loopback"; "" for a public one."""
    if isinstance(address, IPv6Address):
        for network in _EMBEDS_IPV4:
            if address in network and int(address) > 1:
                return trouble_of(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour is not None:
            return trouble_of(address.sixtofour)
        if any(address in network for network in _OPAQUE):
            return "reserved"
    kinds = (
        ("unspecified", address.is_unspecified or address in _THIS_NETWORK),
        ("loopback", address.is_loopback),
        ("link-local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("of a carrier's own network", address.version == 4 and address in _CARRIER_GRADE_NAT),
        ("private", address.is_private or getattr(address, "is_site_local", False)),
        ("reserved", not address.is_global or address.is_reserved),
        ("reserved", address.version == 6 and address not in _UNICAST),
    )
    return next((word for word, is_so in kinds if is_so), "")


@dataclass(frozen=True)
class AddressGuard:
    """Checks and opens connections.

    `allow` lists hosts and networks that are allowed although they are not public (see
    `opening`). Raises ValueError for an invalid entry.
    """

    allow: tuple[str, ...] = ()
    resolver: Resolver = system_resolver

    def __post_init__(self) -> None:
        _ = self.openings

    @cached_property
    def openings(self) -> tuple[Opening, ...]:
        return tuple(opening(entry) for entry in self.allow if entry.strip())

    def check_url(self, url: str) -> str:
        """`url` without fragment and credentials, if its scheme, host and port are allowed.

        Only the text of the URL is checked; `connect` checks the IP address. Raises Refused.
        """
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:
            raise Refused("it is not a web address") from None
        if parts.scheme not in ("http", "https"):
            raise Refused("only addresses that begin with http:// or https:// are read")
        host = plain_host(parts.hostname or "")
        if not host:
            raise Refused("it is not a web address")
        self._check_port(host, port or (443 if parts.scheme == "https" else 80))
        location = f"[{host}]" if ":" in host else host
        if port is not None:
            location = f"{location}:{port}"
        path = parts.path or "/"
        return SplitResult(parts.scheme, location, path, parts.query, "").geturl()

    def check(self, host: str, port: int, address: str) -> None:
        """Raises Refused unless a connection to `address`, an IP address of `host`, is allowed."""
        parsed = ipaddress.ip_address(address.partition("%")[0])
        if self._allowed(host, parsed, port):
            return
        if trouble := trouble_of(parsed):
            raise Refused(f"the address is {trouble}")

    async def connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the first address of `host` that answers.

        All addresses are checked first. Raises Refused if any of them is not allowed, and
        Unreachable if none answers.
        """
        host = plain_host(host)
        self._check_port(host, port)
        addresses = await self._addresses(host, port)
        for address in addresses:
            self.check(host, port, address)
        failure = "it does not answer"
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    # An IP address, so that the name is not resolved a second time.
                    reader, writer = await asyncio.open_connection(address, port)
            except ConnectionRefusedError:
                failure = "it refuses the connection"
            except (OSError, TimeoutError):
                continue
            else:
                self._check_own(host, port, address, writer)
                return reader, writer
        raise Unreachable(failure)

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                addresses = await self.resolver(host, port)
        except TimeoutError:
            raise Unreachable(f"the name {host} could not be looked up in time") from None
        except (OSError, UnicodeError):
            raise Unreachable(f"there is no host {host}, or no network") from None
        if not addresses:
            raise Unreachable(f"there is no host {host}")
        return addresses

    def _allowed(self, host: str, address: Address | None, port: int) -> bool:
        return any(entry.opens(host, address, port) for entry in self.openings)

    def _check_port(self, host: str, port: int) -> None:
        if port in _BAD_PORTS and not any(entry.port == port for entry in self.openings):
            raise Refused(f"port {port} is not one of the web's")

    def _check_own(self, host: str, port: int, address: str, writer: asyncio.StreamWriter) -> None:
        # A connection to a public address of this machine itself bypasses firewalls. Its two
        # ends have the same address, which is known before any data is sent.
        ends = (writer.get_extra_info("peername"), writer.get_extra_info("sockname"))
        own = all(ends) and ends[0][0] == ends[1][0]
        if own and not self._allowed(host, ipaddress.ip_address(address.partition("%")[0]), port):
            writer.close()
            raise Refused("the address is this machine's own")
