"""Libraries over both databases."""

from tests.unit.core.history.conftest import history, opened

__all__ = ["history", "opened"]
