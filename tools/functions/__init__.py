"""`@tool`: JSON Schema from signature and docstring, validation of arguments, loading of files."""
