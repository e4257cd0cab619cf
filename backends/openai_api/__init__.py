"""Any OpenAI-compatible server: connections, model list, errors."""
