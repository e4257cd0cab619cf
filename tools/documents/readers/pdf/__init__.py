"""PDF through PDFium, pypdf where that fails."""
