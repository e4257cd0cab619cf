"""The agent and all it stands on, without a page: conversations, models, tools, documents."""
