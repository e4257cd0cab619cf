"""Conversations that last: their messages, branches and files in a database, below `GLM_DATA`."""
