"""The built-in tools, configured by the settings."""
