"""A model is one generator method: messages and tools in, events out."""
