"""Which model answers: `GLM_MODEL` to a backend, loaded once in the background."""
