"""Conversations from files of strangers: formats, limits, and the process that reads them."""
