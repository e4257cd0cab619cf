"""Plain text and code, e-mail, notebooks, RTF, EPUB."""
