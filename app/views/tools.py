"""Tools: the model runs Python and calls functions, and continues with the results."""

from app.ui.page import show_conversation

show_conversation("tools")
