"""Tools that a model can call. Write one of your own with `from tools import tool`."""

from tools.function import tool

__all__ = ["tool"]
