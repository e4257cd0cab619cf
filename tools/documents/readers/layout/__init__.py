"""Code that several readers share: reading order, lines to paragraphs, paragraphs to pages."""
