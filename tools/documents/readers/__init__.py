"""The readers, one folder for each family. `formats.READERS` lists them; imported on first use.

pdf/, office/, opendocument/, html/, text/, tables/, image/
layout/         shared code: reading order, lines to paragraphs, paragraphs to pages
safe_zip        zip files, with limits against zip bombs
safe_xml        XML, without entities and external references
"""
