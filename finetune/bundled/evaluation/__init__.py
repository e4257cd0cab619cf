"""Evaluates the bundled model: requests, checks of the answers, scores."""
