"""Images as documents: OCR, and highlights on page images."""
