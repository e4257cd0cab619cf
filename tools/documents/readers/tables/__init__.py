"""Markdown tables from rows; csv; number and date formats."""
