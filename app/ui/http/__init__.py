"""ASGI middleware in front of Streamlit: visitors' cookies, origins, headers, files, routes."""
