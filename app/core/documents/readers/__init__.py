"""The readers, one a format; `kinds.READERS` names them, and each is imported when it is needed.

What they share: `blocks` (text into pages), `tables` and `sheets` (rows into Markdown), `archive`
and `opc` (zip files within bounds), `markup` (XML without its traps), `drawing` and `charts` (what
Office draws), `cells` (numbers and dates), `counting` (numbers of lists), `glyphs` (small print),
`ocr` (text in pictures) and `scans` (pages of Office that are pictures), `locked` (Office's
passwords), `marking` (words on the picture of a page).
"""
