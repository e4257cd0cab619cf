"""The versions of the history's database, oldest first."""
