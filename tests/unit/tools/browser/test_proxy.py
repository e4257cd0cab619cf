"""The proxy by itself, spoken to over sockets: whom it serves, and what it lets through."""

import asyncio
import base64
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.support.loopback_web import Answer, Request, Site, html
from tools.browser.network.address_guard import AddressGuard
from tools.browser.network.proxy import Proxy
from tools.browser.network.quota import ProxyQuota, QuotaExceeded


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.pages["/"] = html("<p>hello</p>")
        yield site


def exchange(
    site: Site, request: Callable[[ProxyQuota], bytes], page_bytes: int = 10_000_000
) -> bytes:
    """What a client gets that sends `request` and reads to the end."""

    async def main() -> bytes:
        proxy = Proxy(AddressGuard(allow=(site.address,)), page_bytes)
        await proxy.start()
        account = proxy.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.split(":")[2]))
        try:
            with account.page():
                writer.write(request(account))
                async with asyncio.timeout(30):
                    return await reader.read()
        finally:
            writer.close()
            await proxy.stop()

    return asyncio.run(main())


def asking(line: str, *headers: str, body: str = "") -> Callable[[ProxyQuota], bytes]:
    def request(account: ProxyQuota) -> bytes:
        credentials = f"Proxy-Authorization: {account.credentials.decode()}"
        return "\r\n".join([line, "Host: x", credentials, *headers, "", body]).encode()

    return request


def test_who_has_no_account_gets_nothing(site):
    for credentials in ("", "Basic eDp5", "Basic " + base64.b64encode(b":").decode(), "x"):
        line = f"GET {site.url}/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: {credentials}\r\n\r\n"
        answer = exchange(site, lambda account, line=line: line.encode())
        assert answer.startswith(b"HTTP/1.1 407 ")
    assert site.connections == 0


def test_a_closed_account_is_none(site):
    async def main() -> bytes:
        proxy = Proxy(AddressGuard(allow=(site.address,)))
        await proxy.start()
        account = proxy.open()
        proxy.close(account)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.split(":")[2]))
        writer.write(asking(f"GET {site.url}/ HTTP/1.1")(account))
        answer = await reader.read()
        writer.close()
        await proxy.stop()
        return answer

    assert asyncio.run(main()).startswith(b"HTTP/1.1 407 ")


def test_a_request_is_passed_on_without_the_credentials(site):
    answer = exchange(site, asking(f"GET {site.url}/?a=b HTTP/1.1", "X-Mine: yes"))
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"</html>")
    (headers,) = site.headers
    assert headers["x-mine"] == "yes" and "proxy-authorization" not in headers
    assert site.asked == ["/?a=b"]


def test_a_second_request_on_the_same_connection_is_not_passed_on(site):
    # It may be for another host, which has not been judged.
    first = asking(f"GET {site.url}/ HTTP/1.1")
    answer = exchange(site, lambda account: first(account) * 2)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert site.asked == ["/"]


def test_a_body_is_passed_on(site):
    bodies = []

    def keep(request: Request) -> None:
        bodies.append(request.rfile.read(int(request.headers["Content-Length"])))
        request.answer(html("ok"))

    site.pages["/form"] = keep
    exchange(site, asking(f"POST {site.url}/form HTTP/1.1", "Content-Length: 3", body="a=b"))
    assert bodies == [b"a=b"]


@pytest.mark.parametrize(
    ("line", "status", "why"),
    [
        ("GET http://10.0.0.1/ HTTP/1.1", 403, "the address is private"),
        ("CONNECT 169.254.169.254:443 HTTP/1.1", 403, "the address is link-local"),
        ("CONNECT [::1]:443 HTTP/1.1", 403, "the address is loopback"),
        ("CONNECT ::ffff:127.0.0.1:443 HTTP/1.1", 403, "the address is loopback"),
        ("CONNECT mail.example:25 HTTP/1.1", 403, "port 25"),
        ("GET http://nowhere.invalid/ HTTP/1.1", 502, "there is no host"),
        ("GET / HTTP/1.1", 400, ""),
        ("GET ftp://127.0.0.1/ HTTP/1.1", 400, ""),
        ("GET https://127.0.0.1/ HTTP/1.1", 400, ""),
        ("CONNECT 127.0.0.1 HTTP/1.1", 400, ""),
        ("GET http://127.0.0.1:99999/ HTTP/1.1", 400, ""),
    ],
)
def test_what_is_refused_says_why(site, line, status, why):
    answer = exchange(site, asking(line)).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert f"X-Refused: {why}" in answer or not why
    assert site.connections == 0


def test_a_tunnel_carries_bytes_both_ways(site):
    inside = f"GET / HTTP/1.1\r\nHost: {site.address}\r\nConnection: close\r\n\r\n"
    answer = exchange(site, asking(f"CONNECT {site.address} HTTP/1.1", body=inside))
    assert answer.startswith(b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"</html>")


@pytest.mark.parametrize("line", ["GET {}/big HTTP/1.1", "CONNECT {} HTTP/1.1"])
def test_more_than_a_page_may_cost_is_cut(site, line):
    site.pages["/big"] = Answer(b"x" * 2_000_000)
    inside = f"GET /big HTTP/1.1\r\nHost: {site.address}\r\n\r\n"
    tunnel = line.startswith("CONNECT")
    line = line.format(site.address if tunnel else site.url)
    request = asking(line, body=inside if tunnel else "")
    assert 500_000 < len(exchange(site, request, page_bytes=1_000_000)) < 1_200_000


def test_an_account_grants_each_page_its_bytes():
    account = ProxyQuota(100)
    with account.page(), account.page():
        account.spend(200)
        assert not account.spent
    with account.page():
        assert not account.spent
        with pytest.raises(QuotaExceeded):
            account.spend(101)
        assert account.spent


def test_a_client_that_leaves_takes_its_connection_along(site):
    site.pages["/"] = Request.hang

    async def main() -> int:
        proxy = Proxy(AddressGuard(allow=(site.address,)))
        await proxy.start()
        account = proxy.open()
        _, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.split(":")[2]))
        writer.write(asking(f"GET {site.url}/ HTTP/1.1")(account))
        while not site.asked:
            await asyncio.sleep(0.01)
        assert account.connections == 1
        writer.close()
        async with asyncio.timeout(30):
            while account.connections:
                await asyncio.sleep(0.01)
        await proxy.stop()
        return account.connections

    assert asyncio.run(main()) == 0


def test_it_listens_on_loopback_alone(site):
    async def main() -> str:
        proxy = Proxy(AddressGuard())
        await proxy.start()
        assert proxy._server is not None
        (listening,) = proxy._server.sockets
        assert listening.family == socket.AF_INET
        address: str = listening.getsockname()[0]
        await proxy.stop()
        return address

    assert asyncio.run(main()) == "127.0.0.1"
