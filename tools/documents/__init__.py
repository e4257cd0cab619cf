"""Reads files into pages of Markdown. It knows nothing of models, sessions or the interface.

base            types of all readers: Options, Page, Reading; their errors
formats         chooses the reader for a file, by its content
readers/        one reader for each format, and the code they share
encoding/       detects the encoding of text files
loader          reads the files of all sessions, a few at a time, with a cache
worker/         reads a file in a process of its own, with limits
page_images     renders a page as an image, in such a process
"""
