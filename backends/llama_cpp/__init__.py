"""GGUF models in process, through xllamacpp."""
