"""Tools that a model can call. Write one of your own with `from tools import tool`."""

from tools.functions.decorator import tool

__all__ = ["tool"]
