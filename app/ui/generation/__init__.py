"""Generation settings, presets and saved prompts on the page."""
