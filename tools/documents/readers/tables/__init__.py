"""Rows to Markdown tables; csv; number and date formats."""
