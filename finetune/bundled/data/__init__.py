"""Generates training conversations for the bundled model: skills make tasks, which make these."""
