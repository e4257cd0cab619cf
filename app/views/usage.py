"""The Usage page, for admins."""

from app.ui.people.usage_page import show_usage

show_usage()
