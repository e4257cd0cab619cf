"""Help: the handbook, a page at a time."""

from app.ui.help_page import show_help

show_help()
