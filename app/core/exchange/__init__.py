"""Conversations out of the history and into it: formats, limits, share links."""
