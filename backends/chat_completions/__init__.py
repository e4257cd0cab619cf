"""The OpenAI chat-completions wire format, pure: messages, request fields, SSE, chunks to
events."""
