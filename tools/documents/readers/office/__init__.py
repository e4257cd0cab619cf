"""Office Open XML: docx, pptx, xlsx and the parts they share; encrypted files."""
