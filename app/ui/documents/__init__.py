"""The Documents page's panel, dialog, page viewer, and the route that serves page images."""
