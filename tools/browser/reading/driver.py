"""Playwright's driver, started with only the environment variables that it needs."""

from __future__ import annotations

from playwright._impl import _driver, transport
from playwright.async_api import Playwright, async_playwright

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


async def started_driver() -> Playwright:
    """A new driver process. Raises Playwright's `Error` and `OSError`."""
    return await async_playwright().start()
