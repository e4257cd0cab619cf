"""A conversation as blocks, drawn and watched while a turn runs."""
