"""Alembic's migrations of the history's database, applied when it is opened."""
