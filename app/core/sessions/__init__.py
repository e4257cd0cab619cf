"""One visitor's conversation, its running turn, and the registry of all sessions."""
