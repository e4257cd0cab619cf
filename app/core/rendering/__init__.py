"""Data for drawing answers and tool results: citations, tables, charts, notebook export."""
