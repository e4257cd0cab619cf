"""The web app: `streamlit run app/main.py`.

Streamlit finds the ASGI app below and serves it; the app runs this same file as its script, as
`__main__`, for every page that is drawn.
"""

import sys
from pathlib import Path

# Streamlit puts this file's folder on the path, not the project's.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from streamlit.starlette import App

if __name__ == "__main__":
    from app.ui.navigation import show_page

    show_page()
else:
    from starlette.middleware import Middleware

    from app.ui import alive
    from app.ui.conversations.changes import send_version
    from app.ui.documents.page_image_route import send_page
    from app.ui.exchange import routes as exchange
    from app.ui.http.routes import SessionRoutes
    from app.ui.metrics import METRICS
    from app.ui.server import lifespan, log_fault, middleware
    from app.ui.transcript.downloads import send_file

    session_routes = Middleware(
        SessionRoutes, {"files": send_file, "pages": send_page, "changes": send_version}
    )

    app = App(
        __file__,
        lifespan=lifespan,
        routes=[*alive.ROUTES, *exchange.ROUTES, METRICS],
        middleware=[*middleware(), session_routes],
        on_script_error=log_fault,
    )
