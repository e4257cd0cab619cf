"""ASGI middleware between browser and pages: cookie, origin, headers, routes."""
