"""Pages to chunks, a BM25 index over them, token counts, and where a cited quotation stands."""
