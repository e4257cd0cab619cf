"""Everything that draws with Streamlit: the pages' parts."""
