"""The front door: `streamlit run app/main.py`.

Streamlit finds the ASGI app below and serves it; the app runs this same file as its script, as
`__main__`, for every page that is drawn.
"""

import sys
from pathlib import Path

# Streamlit puts this file's folder on the path, not the project's.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from streamlit.starlette import App

if __name__ == "__main__":
    from app.ui.shell import show_page

    show_page()
else:
    from app.ui.alive import ROUTES as ALIVE
    from app.ui.document_picture import ROUTES as PICTURES
    from app.ui.downloads import ROUTES
    from app.ui.server import lifespan, log_fault, middleware

    app = App(
        __file__,
        lifespan=lifespan,
        routes=[*ROUTES, *PICTURES, *ALIVE],
        middleware=middleware(),
        on_script_error=log_fault,
    )
