"""Chat: a plain conversation with the model."""

from app.ui.page import show_conversation

show_conversation("chat")
