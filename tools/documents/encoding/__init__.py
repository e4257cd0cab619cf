"""Detects the encoding of text."""
