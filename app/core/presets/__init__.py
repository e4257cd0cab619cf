"""What a person sets for answers and keeps: generation settings, presets, saved prompts."""
