"""What several readers share: reading order, lines to paragraphs, paragraphs to pages."""
