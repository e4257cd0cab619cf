"""Tools: the model runs Python and calls functions, and goes on from what comes back."""

from app.ui.page import show_conversation

show_conversation("tools")
