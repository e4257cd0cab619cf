"""Documents: files, and answers that name the page they stand on."""

from app.ui.page import show_conversation

show_conversation("documents")
