"""The readers, a folder a family; `formats.READERS` names them, and each is imported when needed.

pdf/, office/, opendocument/, text/, tables/, image/
layout/         what they share: reading order, lines to paragraphs, paragraphs to pages
safe_zip        zip files within bounds
safe_xml        XML without its traps
"""
