"""PDF, by PDFium, or by pypdf for what PDFium can't read."""
