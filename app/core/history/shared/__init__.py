"""What several processes over one history tell each other: who lives, and whose turn runs."""
