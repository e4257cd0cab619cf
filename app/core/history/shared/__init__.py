"""A history that several processes share: PostgreSQL, the processes, and their running turns."""
