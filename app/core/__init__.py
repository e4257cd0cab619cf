"""The agent and its parts, without a user interface: conversations, models, tools, documents."""
