"""bubblewrap's options for a sandboxed kernel: its files, user and capabilities. See bwrap(1)."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.python.limits import SHARED_MEMORY_MB, PythonLimits
from tools.python.sandbox.boot import PYTHON
from tools.python.sandbox.launcher import SHARED

WORKSPACE = "/mnt/data"
CONFIG = "/run/matplotlib"

# The entries of /etc that Python, the C library and fontconfig read; no host name, no passwords.
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime")
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")

_PYTHON_PARTS = ("bin", "lib", "lib64", "share", "pyvenv.cfg")
_PROJECT = Path(__file__).resolve().parents[3]


def arguments(user: int | None, limits: PythonLimits, folders: Mapping[Path, str]) -> list[str]:
    """bubblewrap's options for a sandbox.

    Arguments:
        user: id of the user that the kernel runs as (see `run_as`); None: the server's own, in
            a user namespace.
        limits: the limits of the session.
        folders: folders that the code can write to -> their paths in the sandbox.
    """
    bound = [part for path, place in folders.items() for part in ("--bind", str(path), place)]
    return [
        *_rights(user), *_system(limits), *bound, *_environment(),
        "--chdir", WORKSPACE, "--remount-ro", "/",
    ]  # fmt: skip


def run_as(user: int | None) -> list[str]:
    """The beginning of a command line that runs as `user` inside the sandbox."""
    if user is None:
        return []
    return [
        "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
        "--bounding-set=-all", "--inh-caps=-all", "--",
    ]  # fmt: skip


def _rights(user: int | None) -> Iterator[str]:
    if user is None:
        yield from ("--unshare-all", "--unshare-user", "--disable-userns")
        yield from ("--uid", "1000", "--gid", "1000", "--cap-drop", "ALL")
    else:
        yield from ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts")
        yield from ("--unshare-cgroup-try", "--cap-drop", "ALL")
        # The capabilities needed to change to that user, who then has none.
        for right in ("SETUID", "SETGID", "SETPCAP", "DAC_READ_SEARCH"):
            yield from ("--cap-add", f"CAP_{right}")
    yield from ("--die-with-parent", "--new-session", "--hostname", "python", "--clearenv")


def _system(limits: PythonLimits) -> Iterator[str]:
    """The part of the file system that is the same for all kernels."""
    yield from ("--proc", "/proc", "--dev", "/dev")
    yield from _in_memory("/dev/shm", SHARED_MEMORY_MB)
    yield from ("--remount-ro", "/dev")
    yield from _in_memory("/tmp", limits.file_mb)
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            yield from ("--symlink", os.readlink(path), str(path))
        elif path.exists():
            yield from _read_only(path)
    yield from ("--perms", "0755", "--dir", "/etc")
    for name in _ETC:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    python = list(_python())
    for path in python:
        if not path.is_relative_to(_PROJECT):
            yield from _read_only(path)
    # A project inside a visible folder is hidden by an empty one. An installed project lies among
    # the packages that the code may import, and is not hidden.
    covered = not _installed() and any(
        _PROJECT.is_relative_to(path) for path in (Path("/usr"), Path("/tmp"), *python)
    )
    if covered:
        yield from ("--perms", "0755", "--tmpfs", str(_PROJECT))
    for path in python:
        if path.is_relative_to(_PROJECT):
            yield from _read_only(path)
    if covered:
        yield from ("--remount-ro", str(_PROJECT))
    yield from ("--perms", "0755", "--dir", "/mnt", "--perms", "0755", "--dir", "/run")


def _in_memory(path: str, megabytes: int) -> Iterator[str]:
    yield from ("--size", str(megabytes << 20), "--perms", "1777", "--tmpfs", path)


def _read_only(path: Path) -> Iterator[str]:
    for parent in list(reversed(path.parents))[1:]:
        yield from ("--perms", "0755", "--dir", str(parent))
    yield from ("--ro-bind", str(path), str(path))


def _python() -> Iterator[Path]:
    """The folders of Python and its packages outside /usr."""
    places = [Path(sys.base_prefix), Path(sys.prefix)]
    if site.ENABLE_USER_SITE:
        places.append(Path(site.getusersitepackages()))
    for place in places:
        # The project's folder itself can be the virtual environment.
        parts = [place / name for name in _PYTHON_PARTS] if place == _PROJECT else [place]
        for path in parts:
            if path.exists() and not path.is_relative_to("/usr"):
                yield path


def _installed() -> bool:
    """Whether the project was installed by pip, and is no checkout."""
    places = (sysconfig.get_path("purelib"), site.getusersitepackages())
    return any(Path(place).resolve() == _PROJECT for place in places)


def _environment() -> Iterator[str]:
    programs = [str(Path(PYTHON).parent), "/usr/local/bin", "/usr/bin", "/bin"]
    variables = {
        **SHARED,
        "PATH": os.pathsep.join(dict.fromkeys(programs)),
        "HOME": WORKSPACE,
        "TMPDIR": "/tmp",
        "IPYTHONDIR": "/tmp/.ipython",
        "JUPYTER_CONFIG_DIR": "/tmp/.jupyter",
        "JUPYTER_DATA_DIR": "/tmp/.jupyter",
        "JUPYTER_RUNTIME_DIR": "/tmp/.jupyter",
        "MPLCONFIGDIR": CONFIG,
    }
    for name, value in variables.items():
        yield from ("--setenv", name, value)
    for name in ("TZ", "LD_LIBRARY_PATH"):
        if name in os.environ:
            yield from ("--setenv", name, os.environ[name])
