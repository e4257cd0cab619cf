"""Conversations to train the bundled model on: skills make tasks, `generate` makes conversations."""
