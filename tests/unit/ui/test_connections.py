"""Connections as uvicorn accepts them on a socket that Streamlit makes."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn

from app.ui.limits.connections import bound_connections


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def accepted_option() -> int:
    """TCP_NODELAY of a connection that the server accepted."""
    listening = socket.socket(socket.AF_INET)  # as Streamlit and uvicorn do, without a protocol
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(answer, lifespan="off", log_level="error", loop="asyncio")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        (connection,) = server.server_state.connections
        accepted: Any = connection.transport.get_extra_info("socket")  # type: ignore[union-attr]
        option: int = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
    finally:
        server.should_exit = True
        await serving
    return option


def test_small_writes_are_sent_at_once() -> None:
    bound_connections()
    assert asyncio.run(accepted_option()) != 0
