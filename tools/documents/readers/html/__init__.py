"""Converts the visible text of HTML to Markdown segments, for documents and web pages."""
