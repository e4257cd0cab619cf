"""A URL to a page: fetched, or rendered in Chromium."""
