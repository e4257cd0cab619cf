"""`@tool`: signature and docstring to JSON Schema, arguments checked; loading users' files."""
