"""Safetensors in process: loading, KV cache, prompt, vision, decoding."""
