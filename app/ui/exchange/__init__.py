"""Conversations out and in on the page: export, import, share links, and their routes."""
