"""Jupyter messages to text, images, tables and files."""
