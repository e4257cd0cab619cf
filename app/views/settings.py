"""Settings: every value and where it came from."""

from app.ui.settings_page import show_settings

show_settings()
