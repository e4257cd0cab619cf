"""Kernels on another machine, behind a Jupyter Kernel Gateway or Enterprise Gateway.

The gateway's REST API starts, interrupts and deletes kernels; messages go over one WebSocket for
each kernel: https://jupyter-kernel-gateway.readthedocs.io/en/latest/websocket-mode.html
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from jupyter_client.jsonutil import json_default
from jupyter_client.session import Session
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tools.python.kernels.kernel import (
    SENT_PER_SHOWN,
    UPDATE_FOLDER,
    Channel,
    Kernel,
    KernelFailed,
    Message,
)
from tools.python.limits import PythonLimits

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0  # to open a connection to the gateway
RESPONSE_TIMEOUT_S = 10.0  # for the response to a request
START_TIMEOUT_S = 60.0  # for a kernel to start, which may need a new container
RETRY_DELAYS_S = (0.2, 0.5, 1.0, 2.0, 4.0)  # before each further attempt to delete a kernel
MAX_MESSAGE_BYTES = 64 * 1024 * 1024  # of one message; the kernel runs untrusted code

# All kernels of a gateway start in the same folder. This code moves each to a temporary folder of
# its own, which is deleted when the kernel is shut down.
_OWN_FOLDER = (
    "(lambda os, shell, folder: (setattr(shell, 'own_folder', folder), os.chdir(folder.name)))"
    "(__import__('os'), get_ipython(), __import__('tempfile').TemporaryDirectory())\n"
)


class GatewayFailed(KernelFailed):
    """The gateway does not respond, or refuses a request.

    `sentence`: the message, which users may read; `status`: the HTTP status of the response,
    0 without one.
    """

    def __init__(self, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.user_message = sentence
        self.status = status


class Gateway:
    """The REST API of the gateway at `url`; `token`: its access token, if it requires one."""

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"token {token}"} if token else {}
        self._http = httpx.Client(headers=self._headers)

    def check(self) -> str:
        """The name of the kernel spec that the gateway starts. Raises `GatewayFailed`."""
        return _text(self._request("GET", "/api/kernelspecs"), "default")

    def start(self) -> str:
        """Start a kernel. Returns its id. Raises `GatewayFailed`."""
        # An explicit environment keeps the kernel from inheriting the gateway's, with its token.
        return quote(
            _text(self._request("POST", "/api/kernels", {"env": {}}, START_TIMEOUT_S), "id"),
            safe="",
        )

    def channels(self, kernel: str, session: str) -> ClientConnection:
        """A WebSocket with the channels of a kernel, for one client. Raises `GatewayFailed`."""
        address = f"{self._url}/api/kernels/{kernel}/channels?session_id={session}"
        try:
            return connect(
                "ws" + address.removeprefix("http"),
                additional_headers=self._headers,
                open_timeout=START_TIMEOUT_S,
                close_timeout=1.0,
                max_size=MAX_MESSAGE_BYTES,
                legacy=True,
            )
        except (OSError, WebSocketException) as error:
            raise GatewayFailed("The kernel gateway refuses the connection to a kernel.") from error

    def interrupt(self, kernel: str) -> None:
        """Interrupt the kernel's running code, if the kernel still exists."""
        try:
            self._request("POST", f"/api/kernels/{kernel}/interrupt")
        except GatewayFailed:
            log.info("A kernel could not be interrupted.", exc_info=True)

    def delete(self, kernel: str) -> None:
        """End the kernel, if it still exists."""
        for wait in (*RETRY_DELAYS_S, None):
            try:
                self._request("DELETE", f"/api/kernels/{kernel}")
            except GatewayFailed as error:
                # The gateway can't end a kernel while it restarts it.
                if wait is not None and error.status >= 500:
                    time.sleep(wait)
                    continue
                if error.status != 404:
                    log.warning("A kernel behind the gateway could not be ended.", exc_info=True)
            return

    def _request(
        self, method: str, path: str, content: object = None, seconds: float = RESPONSE_TIMEOUT_S
    ) -> object:
        timeout = httpx.Timeout(seconds, connect=CONNECT_TIMEOUT_S)
        try:
            answer = self._http.request(method, self._url + path, json=content, timeout=timeout)
            answer.raise_for_status()
            return answer.json() if answer.content else None
        except httpx.HTTPStatusError as error:
            raise GatewayFailed(_refusal(error.response), error.response.status_code) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise GatewayFailed("GLM_KERNEL_GATEWAY_URL is no http(s) address.") from error
        except httpx.HTTPError as error:
            raise GatewayFailed("The kernel gateway does not answer.") from error
        except ValueError as error:
            raise GatewayFailed(_NO_GATEWAY) from error


class GatewayHost:
    """Starts kernels behind a gateway."""

    here = False
    network = True  # assumed, because it is not known here
    confined = False
    folder = "a folder on another machine"

    def __init__(self, gateway: Gateway, limits: PythonLimits) -> None:
        self._gateway = gateway
        self._keep = SENT_PER_SHOWN * limits.characters

    def start(self, workspace: Path) -> Kernel:
        """A kernel that is starting; `workspace` is not used. Raises `GatewayFailed`."""
        kernel = self._gateway.start()
        session = Session(key=secrets.token_bytes())
        try:
            socket = self._gateway.channels(kernel, session.session)
        except GatewayFailed:
            self._gateway.delete(kernel)
            raise
        connection = GatewayConnection(self._gateway, kernel, session, socket)
        return Kernel(connection, self._keep, _OWN_FOLDER + UPDATE_FOLDER)


class GatewayConnection:
    """A `Connection` over a WebSocket."""

    def __init__(
        self, gateway: Gateway, kernel: str, session: Session, socket: ClientConnection
    ) -> None:
        self._gateway = gateway
        self._kernel = kernel
        self._session = session
        self._socket = socket
        self._ended: str | None = None
        self._lock = threading.Lock()
        self._deleting: threading.Thread | None = None

    def send_request(self, kind: str, content: Mapping[str, Any]) -> str:
        """See `Connection.send_request`."""
        message = self._session.msg(kind, dict(content)) | {"channel": "shell"}
        try:
            self._socket.send(json.dumps(message, default=json_default))
        except WebSocketException:
            self._ended = _LOST
        return str(message["header"]["msg_id"])

    def receive(self, seconds: float) -> Sequence[tuple[Channel, Message | None]]:
        """See `Connection.receive`: one message at most."""
        try:
            return [self._read(self._socket.recv(timeout=seconds))]
        except TimeoutError:
            return []
        except WebSocketException:
            self._ended = self._ended or _LOST
            return []

    def ended(self) -> str | None:
        """See `Connection.ended`."""
        return self._ended

    def begin(self) -> None:
        """See `Connection.begin`."""
        while self._ended is None and self.receive(0):
            pass

    def exceeded(self) -> str | None:
        """See `Connection.exceeded`. The other machine enforces its own limits."""
        return None

    def hit_process_limit(self) -> bool:
        """See `Connection.hit_process_limit`."""
        return False

    def full(self) -> Collection[str]:
        """See `Connection.full`."""
        return ()

    def interrupt(self) -> None:
        """See `Connection.interrupt`."""
        threading.Thread(target=self._gateway.interrupt, args=(self._kernel,)).start()

    def kill(self) -> None:
        """See `Connection.kill`. A gateway may take seconds to end a kernel."""
        with self._lock:
            if self._deleting is None:
                self._deleting = threading.Thread(
                    target=self._gateway.delete, args=(self._kernel,), name="kernel-delete"
                )
                self._deleting.start()

    def close(self) -> None:
        """See `Connection.close`."""
        self._socket.close()
        if self._deleting is not None:
            self._deleting.join()

    def log(self) -> str:
        """See `Connection.log`."""
        return self._ended or "The kernel behind the gateway did not answer in time."

    def finish_setup(self) -> None:
        """See `Connection.finish_setup`."""

    def use_workspace(self, workspace: Path) -> None:
        """See `Connection.use_workspace`. A kernel elsewhere has a folder of its own."""

    def _read(self, data: str | bytes) -> tuple[Channel, Message | None]:
        """The channel and the message; None for an unusable one (with buffers: for a widget)."""
        try:
            message: Any = json.loads(data) if isinstance(data, str) else None
            channel = message["channel"]
            kind = message["header"]["msg_type"]
            state = message["content"].get("execution_state")
            usable = isinstance(message["parent_header"], dict)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return "iopub", None
        if channel == "iopub" and kind == "status" and state in _RESTARTED:
            self._ended = "The Python process on the other machine ended."
        if channel not in ("shell", "iopub") or not usable:
            return "iopub", None
        return channel, {**message, "msg_type": kind}


# Kernel states that a gateway reports when it restarts a dead kernel, without its variables.
_RESTARTED = ("restarting", "autorestarting", "dead")
_LOST = "The connection to the kernel gateway was lost."
_NO_GATEWAY = "What answers at the kernel gateway's address is no kernel gateway."


def _refusal(answer: httpx.Response) -> str:
    if answer.status_code == 401:
        return "The kernel gateway refuses the token of GLM_KERNEL_GATEWAY_TOKEN."
    if answer.status_code == 403 and "Resource Limit" in answer.text + answer.reason_phrase:
        return "The kernel gateway has no room for another kernel. Try again later."
    if answer.status_code == 404:
        return _NO_GATEWAY
    return f"The kernel gateway refuses to start a kernel (HTTP {answer.status_code})."


def _text(answer: object, name: str) -> str:
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str) or not value:
        raise GatewayFailed(_NO_GATEWAY)
    return value
