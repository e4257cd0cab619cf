#!/usr/bin/env bash
# uvicorn 0.54.0 on CPython 3.11, Linux: a server on a socket that uvicorn itself has bound
# (`Config.bind_socket`, as with --reload or several workers, and as Streamlit 1.67 does it) accepts
# connections without TCP_NODELAY; the same server that is given host and port accepts them with it.
# asyncio sets the option only where the socket's protocol number is TCP's, and an accepted socket
# takes that number from the listening one, which was made without. A second small write then waits
# for the client's delayed acknowledgement, some 40 ms, so that an app that draws in many small
# WebSocket messages looks slow on loopback.
# Expected output: "given host and port: 1" and "given a bound socket: 0". Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install -q uvicorn==0.54.0 h11==0.16.0
cat > "$work/see.py" <<'PY'
import asyncio
import socket

import uvicorn


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def option(bound):
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, lifespan="off", log_level="error", loop="asyncio"
    )
    server = uvicorn.Server(config)
    sockets = [config.bind_socket()] if bound else None
    serving = asyncio.create_task(server.serve(sockets))
    while not server.started:
        await asyncio.sleep(0.01)
    place = sockets[0].getsockname() if bound else server.servers[0].sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(*place)
    writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    await reader.readline()
    (connection,) = server.server_state.connections
    accepted = connection.transport.get_extra_info("socket")
    found = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    writer.close()
    server.should_exit = True
    await serving
    return int(found != 0)


given, bound = asyncio.run(option(False)), asyncio.run(option(True))
print(f"given host and port: {given}")
print(f"given a bound socket: {bound}")
raise SystemExit((given, bound) != (1, 0))
PY
"$work/venv/bin/python" "$work/see.py"
