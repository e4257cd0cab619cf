"""The app: web pages, a terminal, and the agent that both use."""
