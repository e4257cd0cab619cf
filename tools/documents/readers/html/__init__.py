"""HTML as a reader of the page sees it, in runs of Markdown: for documents and for web pages."""
