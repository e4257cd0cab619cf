"""Limits on what one visitor or one address can use of the server."""
