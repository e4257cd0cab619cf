"""Draws a conversation as blocks, and redraws the blocks that change while a turn runs."""
