"""A library on its own: a file in, pages of Markdown out; no model, no session, no page.

base            what a reader is given and gives: Options, Page, Reading; how it fails
formats         which reader a file needs, by its content
readers/        a reader a format, and what they share
encoding/       which encoding a text file is in
loader          where files are read, a few at a time, each content once
worker/         a file read in a process of its own, within its limits
page_images     a page as it looks, drawn in such a process
"""
