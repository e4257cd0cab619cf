"""Documents: files become pages of Markdown, a reader a format.

base        what a reader is given and gives: Page, Length, Remark, Options
kinds       which reader a file needs, by its content
reading     a file read in a process of its own, within its limits
desk        files read in the background, with progress; kept by their content's hash
"""
