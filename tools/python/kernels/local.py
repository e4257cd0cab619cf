"""Kernels on this machine.

A kernel receives requests over unix sockets in a folder that only this user can open, because TCP
ports would be open to all users of the machine.

A kernel that was started ahead has a working folder of its own, which can't be exchanged (nor
can a sandbox's bind mount), but renamed. So a session's files are moved into the kernel's folder,
and this is renamed to the session's workspace.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from tools.python.kernels.fonts import provide_fonts
from tools.python.kernels.kernel import SENT_PER_SHOWN, Channel, Kernel, KernelFailed, Message
from tools.python.limits import PythonLimits
from tools.python.limits.causes import exit_message
from tools.python.sandbox.launcher import MATPLOTLIB, KernelLauncher
from tools.safe_files import delete_folder, give_new_files, no_room

log = logging.getLogger(__name__)

MAX_SOCKET_PATH_BYTES = 107  # sun_path of <sys/un.h> on Linux, without its final zero

# One context, with one I/O thread, serves all kernels. Its options limit the memory of every
# socket, because a kernel runs untrusted code.
_context = zmq.Context()
_context.setsockopt(zmq.LINGER, 0)
_context.setsockopt(zmq.RECONNECT_IVL, 10)
_context.setsockopt(zmq.RCVHWM, 200)
_context.setsockopt(zmq.MAXMSGSIZE, 64 * 1024 * 1024)

MAX_MOVED_ENTRIES = 1000
"""Entries of a workspace that are moved at most. With more, a new kernel starts sooner."""


class LocalHost:
    """Starts kernels on this machine, with `launcher`."""

    here = True

    def __init__(self, launcher: KernelLauncher, limits: PythonLimits) -> None:
        self.launcher = launcher
        self._keep = SENT_PER_SHOWN * limits.characters

    @property
    def network(self) -> bool:
        """See `KernelLauncher.network`."""
        return self.launcher.network

    @property
    def confined(self) -> bool:
        """See `KernelLauncher.confined`."""
        return self.launcher.confined

    @property
    def folder(self) -> str:
        """See `KernelLauncher.folder`."""
        return self.launcher.folder

    def start(self, workspace: Path) -> Kernel:
        """A kernel that is starting in `workspace`. Raises `KernelFailed`."""
        return Kernel(LocalConnection(workspace, self.launcher), self._keep)


class LocalConnection:
    """A `Connection` over ZeroMQ to a process that it starts. Raises `KernelFailed`."""

    def __init__(self, workspace: Path, launcher: KernelLauncher) -> None:
        self.workspace = workspace
        try:
            self.private = _private_folder()
        except OSError as error:
            raise _failure(error) from error
        try:
            workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = self.private / "connection.json"
            write_connection_file(
                str(connection),
                transport="ipc",
                ip=str(self.private / "k"),
                key=secrets.token_hex(32).encode(),
                shell_port=1,
                iopub_port=2,
                stdin_port=3,
                hb_port=4,
                control_port=5,
            )
            self._process = launcher.launch(connection, workspace)
        except OSError as error:
            delete_folder(self.private)
            raise _failure(error) from error
        self._client = BlockingKernelClient(context=_context)
        self._client.load_connection_file(str(connection))
        self._client.start_channels(stdin=False, hb=False, control=False)
        self._channels: dict[zmq.Socket[bytes], Channel] = {
            self._client.shell_channel.socket: "shell",
            self._client.iopub_channel.socket: "iopub",
        }
        self._poller = zmq.Poller()
        for socket in self._channels:
            self._poller.register(socket, zmq.POLLIN)

    def send_request(self, kind: str, content: Mapping[str, Any]) -> str:
        """See `Connection.send_request`."""
        message = self._client.session.msg(kind, dict(content))
        self._client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def receive(self, seconds: float) -> Sequence[tuple[Channel, Message | None]]:
        """See `Connection.receive`: at most one message of each channel."""
        ready = self._poller.poll(round(seconds * 1000))
        return [(self._channels[socket], self._message(socket)) for socket, _ in ready]

    def ended(self) -> str | None:
        """See `Connection.ended`."""
        status = self._process.poll()
        return None if status is None else exit_message(status)

    def begin(self) -> None:
        """See `Connection.begin`."""
        self._process.begin()

    def exceeded(self) -> str | None:
        """See `Connection.exceeded`."""
        return self._process.exceeded()

    def hit_process_limit(self) -> bool:
        """See `Connection.hit_process_limit`."""
        return self._process.hit_process_limit()

    def full(self) -> Collection[str]:
        """See `Connection.full`."""
        return self._process.full()

    def interrupt(self) -> None:
        """See `Connection.interrupt`."""
        self._process.interrupt()

    def kill(self) -> None:
        """See `Connection.kill`."""
        self._process.kill()

    def close(self) -> None:
        """See `Connection.close`."""
        # `stop_channels` of the client would first open the unused channels.
        self._client.shell_channel.stop()
        self._client.iopub_channel.stop()
        delete_folder(self.private)

    def log(self) -> str:
        """See `Connection.log`."""
        with contextlib.suppress(OSError):
            return (self.private / "log").read_text("utf-8", "replace")[-4000:]
        return "The kernel said nothing."

    def finish_setup(self) -> None:
        """See `Connection.finish_setup`."""
        provide_fonts(self.private / MATPLOTLIB)

    def use_workspace(self, workspace: Path) -> None:
        """See `Connection.use_workspace`. The kernel's folder takes the place of `workspace`."""
        adopt_workspace(self.workspace, workspace)
        give_new_files(workspace)
        self.workspace = workspace

    def _message(self, socket: zmq.Socket[bytes]) -> Message | None:
        try:
            message: Message | None = self._client.session.recv(socket)[1]
        except Exception:
            log.warning("A message of the kernel could not be read.", exc_info=True)
            return None
        return message


def _failure(error: OSError) -> KernelFailed:
    failure = KernelFailed("The kernel's process could not be started.")
    if no_room(error):
        failure.user_message = "Python could not be started: the disk of this server is full."
    return failure


def _private_folder() -> Path:
    """A new folder for one kernel, with a path short enough for unix sockets. Raises OSError,
    `KernelFailed`."""
    parents = [tempfile.gettempdir(), "/tmp", "/var/tmp"]
    for parent in parents:
        try:
            folder = Path(tempfile.mkdtemp(prefix="kernel-", dir=parent)).resolve()
        except OSError as error:
            if parent == parents[-1] or no_room(error):
                raise
            continue
        if len(bytes(folder / "k-5")) <= MAX_SOCKET_PATH_BYTES:
            return folder
        folder.rmdir()
    raise KernelFailed("No folder for temporary files has a path short enough for sockets.")


class TooManyEntries(OSError):
    """The workspace has more than `MAX_MOVED_ENTRIES` entries."""


def adopt_workspace(own: Path, workspace: Path) -> None:
    """Move the entries of `workspace` into the folder `own`, and rename `own` to `workspace`.

    Both lie in the same file system; symbolic links are moved, not followed. On an error the
    moves are undone. Raises OSError.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        source, target = os.open(workspace, flags), os.open(own, flags)
        stack.callback(os.close, source)
        stack.callback(os.close, target)
        with os.scandir(source) as entries:
            names = [entry.name for entry in islice(entries, MAX_MOVED_ENTRIES + 1)]
        if len(names) > MAX_MOVED_ENTRIES:
            raise TooManyEntries("The workspace has too many entries to be moved.")
        moved: list[str] = []
        try:
            for name in names:
                os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
                moved.append(name)
            os.rename(own, workspace)  # replaces the empty folder atomically
        except OSError:
            for name in moved:
                with suppress(OSError):
                    os.rename(name, name, src_dir_fd=target, dst_dir_fd=source)
            raise
