"""A question to a prompt to an answer: whole, by retrieved chunks, or map-reduce."""
