"""Playwright's driver, started with only the environment variables that it needs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from playwright._impl import _driver, transport
from playwright.async_api import Error, Playwright, async_playwright

PASSED_ON = (
    # Paths of programs, libraries, fonts and browsers, and the locale
    "PATH", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "PLAYWRIGHT_BROWSERS_PATH",
    "LANG", "LC_ALL", "LC_CTYPE", "TZ",
    # Folders for the driver's own files, and what every program on Windows needs
    "HOME", "XDG_CACHE_HOME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE", "LOCALAPPDATA",
    # Variables that Playwright itself adds
    "PW_LANG_NAME", "PW_LANG_NAME_VERSION", "PW_CLI_DISPLAY_VERSION",
)  # fmt: skip
"""Environment variables that the driver and its child processes receive."""

_unfiltered = _driver.get_driver_env


def _needed() -> dict[str, str]:
    """The driver's environment without the app's variables, which hold API keys of models."""
    environment = _unfiltered()
    return {name: environment[name] for name in PASSED_ON if name in environment}


# Playwright has no option for this: its transport calls this function whenever a driver starts.
# Removing the keys from `os.environ` for that time would remove them for other threads too.
transport.get_driver_env = _needed  # type: ignore[attr-defined]


class Driver:
    """A driver process."""

    def __init__(self) -> None:
        self._manager = async_playwright()

    async def start(self) -> Playwright:
        """Starts it. Raises Playwright's `Error` and `OSError`."""
        return await self._manager.start()

    async def stop(self, seconds: float) -> None:
        """Ends it; kills one that has not ended after `seconds`, as with a browser that hangs."""
        try:
            async with asyncio.timeout(seconds):
                await self._manager.__aexit__()
        except (Error, TimeoutError):
            # Playwright has no word for its process.
            client: Any = self._manager._client
            with contextlib.suppress(ProcessLookupError):
                client._transport._proc.kill()
