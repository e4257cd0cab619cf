"""Conversations to train the bundled model on: skills make tasks, tasks make conversations."""
