"""The held-out requests, the checks, the scores."""
