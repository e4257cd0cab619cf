"""The wall: which addresses are public, what an operator opens, and that the address which was
judged is the one that is connected to."""

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

import pytest

from tools.browser.network import address_guard as wall_module
from tools.browser.network.address_guard import (
    AddressGuard,
    Refused,
    Unreachable,
    opening,
    trouble_of,
)


class Door:
    """A TCP server on loopback that greets and counts who came."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        self.came = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            self.came += 1
            with connection:
                connection.sendall(b"hello")


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.listening.close()


def connect(wall: AddressGuard, host: str, port: int) -> bytes:
    async def greeted() -> bytes:
        reader, writer = await wall.connect(host, port)
        try:
            return await reader.read(5)
        finally:
            writer.close()

    return asyncio.run(greeted())


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.9.10", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("192.0.2.1", "private"),
        ("198.18.0.1", "private"),
        ("fd12:3456::1", "private"),
        ("fec0::1", "private"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("100.64.0.1", "of a carrier's own network"),
        ("100.127.255.255", "of a carrier's own network"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.250", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("255.255.255.255", "private"),
        ("240.0.0.1", "private"),
        # IPv4 in IPv6: mapped, compatible, translated, NAT64, 6to4
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("::10.0.0.1", "private"),
        ("::ffff:0:127.0.0.1", "loopback"),
        ("64:ff9b::127.0.0.1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("64:ff9b:1::1", "reserved"),
        ("2002:7f00:1::1", "loopback"),
        ("2002:c0a8:101::", "private"),
        ("2001::5", "reserved"),
        ("4000::1", "reserved"),
        # Public
        ("1.1.1.1", ""),
        ("100.63.255.255", ""),
        ("172.32.0.1", ""),
        ("223.255.255.254", ""),
        ("2606:4700:4700::1111", ""),
        ("::ffff:1.1.1.1", ""),
        ("64:ff9b::101:101", ""),
        ("2002:101:101::1", ""),
    ],
)
def test_only_public_addresses_have_no_trouble(address, word):
    assert trouble_of(ip_address(address)) == word


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "LOCALHOST.",
        "１２７.０.０.１",
        "127。0。0。1",
        "0",
        "::1",
        "::ffff:127.0.0.1",
    ],
)
def test_every_way_to_write_loopback_is_refused(host, door):
    with pytest.raises(Refused, match=r"loopback|unspecified"):
        connect(AddressGuard(), host, door.port)
    assert door.came == 0


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["fe80::1%eth0"], ["::ffff:192.168.0.1"]],
)
def test_a_name_is_refused_when_one_of_its_addresses_is_inside(addresses):
    async def resolver(host: str, port: int) -> Sequence[str]:
        return addresses

    with pytest.raises(Refused, match=r"the address is (private|loopback|link-local)"):
        connect(AddressGuard(resolver=resolver), "inside.example", 80)


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(door):
    asked = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    wall = AddressGuard(allow=("127.0.0.1/32",), resolver=rebinding)
    assert connect(wall, "rebinding.example", door.port) == b"hello"
    assert asked == ["rebinding.example"]
    with pytest.raises(Refused):
        connect(wall, "rebinding.example", door.port)


def test_a_public_address_of_this_machine_is_refused(door, monkeypatch):
    # This machine has no public address, so loopback is declared to be one.
    monkeypatch.setattr(wall_module, "trouble_of", lambda address: "")
    with pytest.raises(Refused, match="this machine's own"):
        connect(AddressGuard(), "127.0.0.1", door.port)


def test_an_allowed_host_and_port_is_open_and_no_other(door):
    wall = AddressGuard(allow=(f"127.0.0.1:{door.port}", "intranet.example"))
    assert connect(wall, "127.0.0.1", door.port) == b"hello"
    assert connect(wall, "2130706433", door.port) == b"hello"
    for host, port in (("127.0.0.1", door.port + 1), ("127.0.0.2", door.port)):
        with pytest.raises(Refused):
            connect(wall, host, port)


def test_an_allowed_name_may_be_anywhere(door):
    async def inside(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    wall = AddressGuard(allow=("Intranet.Example.", "*.corp.example"), resolver=inside)
    assert connect(wall, "intranet.example", door.port) == b"hello"
    assert connect(wall, "a.corp.example", door.port) == b"hello"
    for host in ("corp.example", "wiki.intranet.example", "evilcorp.example"):
        with pytest.raises(Refused):
            connect(wall, host, door.port)


@pytest.mark.parametrize(
    ("entry", "host", "address", "port", "opens"),
    [
        ("10.0.0.0/8", "x", "10.9.8.7", 443, True),
        ("10.0.0.0/8", "x", "11.0.0.1", 443, False),
        ("10.0.0.0/8:8080", "x", "10.0.0.1", 443, False),
        ("[::1]:80", "x", "::1", 80, True),
        ("::1", "x", "::1", 8000, True),
        ("fd00::/8", "x", "fd00::2", 80, True),
        ("bücher.example:81", "xn--bcher-kva.example", "1.1.1.1", 81, True),
    ],
)
def test_entries_of_the_allow_list(entry, host, address, port, opens):
    assert opening(entry).opens(host, ip_address(address), port) is opens


@pytest.mark.parametrize(
    "entry", ["http://x/", "10.0.0.0/99", "host:port", "a b", "x:0", ":80", "*"]
)
def test_an_entry_that_is_no_host_and_no_network_is_said(entry):
    with pytest.raises(ValueError, match="neither a host nor a network"):
        AddressGuard(allow=(entry,))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "view-source:http://example.com",
        "data:text/html,hi",
        "javascript:1",
        "ftp://example.com/",
        "chrome://version",
        "about:blank",
        "http://",
        "//example.com",
        "",
        "http://[::1",
        "http://exa mple.com/",
        "http://example.com:99999/",
        "http://mail.example:25/",
    ],
)
def test_what_is_no_address_of_the_web_is_refused(url):
    with pytest.raises(Refused):
        AddressGuard().check_url(url)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (" HTTP://Example.COM ", "http://example.com/"),
        ("https://user:pass@example.com:8443/a?b=c#d", "https://example.com:8443/a?b=c"),
        ("http://[2606:4700::1]:80/", "http://[2606:4700::1]:80/"),
        ("http://bücher.example/ä", "http://xn--bcher-kva.example/ä"),
    ],
)
def test_an_address_is_asked_for_without_password_and_fragment(url, asked):
    assert AddressGuard().check_url(url) == asked


def test_what_cannot_be_reached_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unreachable, match="refuses the connection"):
        connect(AddressGuard(allow=("127.0.0.1",)), "127.0.0.1", port)
    with pytest.raises(Unreachable, match=r"no host nowhere\.invalid"):
        connect(AddressGuard(), "nowhere.invalid", 80)
