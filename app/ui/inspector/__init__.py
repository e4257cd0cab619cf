"""The prompt inspector: what the model was sent for an answer, and replays of it."""
