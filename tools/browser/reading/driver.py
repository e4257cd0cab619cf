"""Playwright's driver, started with the environment that it needs and nothing more."""

from __future__ import annotations

from playwright._impl import _driver, transport
from playwright.async_api import Playwright, async_playwright

PASSED_ON = (
    # Where programs, libraries, fonts and browsers are, and how words are written here
    "PATH", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "PLAYWRIGHT_BROWSERS_PATH",
    "LANG", "LC_ALL", "LC_CTYPE", "TZ",
    # Where its own files go, and on Windows what no program starts without
    "HOME", "XDG_CACHE_HOME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE", "LOCALAPPDATA",
    # What Playwright itself adds
    "PW_LANG_NAME", "PW_LANG_NAME_VERSION", "PW_CLI_DISPLAY_VERSION",
)  # fmt: skip
"""Environment variables that the driver and what it starts may see."""

_everything = _driver.get_driver_env


def _needed() -> dict[str, str]:
    """Playwright's environment for its driver, without ours: that has keys of model servers."""
    whole = _everything()
    return {name: whole[name] for name in PASSED_ON if name in whole}


# Playwright has no option for it: its transport asks this function, each time a driver is started.
# Taking the keys out of `os.environ` meanwhile would take them from the other threads too.
transport.get_driver_env = _needed  # type: ignore[attr-defined]


async def started_driver() -> Playwright:
    """A driver of its own process. Raises Playwright's `Error` and `OSError`."""
    return await async_playwright().start()
