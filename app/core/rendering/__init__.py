"""What a page draws of answers and tool results, as data: citations, tables, charts, notebook
export."""
