"""Vision: pictures, and questions about them."""

from app.ui.page import show_conversation

show_conversation("vision")
