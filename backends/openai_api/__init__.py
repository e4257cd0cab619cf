"""Any OpenAI-compatible server: its connections and models, a request with retries, errors."""
