"""One module a search service."""
