"""The web app: pages, the terminal, and the agent that both stand on."""
