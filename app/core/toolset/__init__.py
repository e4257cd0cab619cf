"""The built-in tools, made as the settings say."""
