"""Elements that several parts of the pages use: Markdown, images, files, keys, a copy button."""
