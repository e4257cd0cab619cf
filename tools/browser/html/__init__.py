"""HTML to the main text as Markdown, in a process of its own."""
