"""The pages, a module each, as Streamlit's navigation runs them."""
