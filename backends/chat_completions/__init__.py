"""The OpenAI chat-completions wire format, pure: a request, and the stream that answers it."""
