"""The Models page."""

from app.ui.models.page import show_models

show_models()
