"""What stands between a browser and the pages: cookie, origin, headers, routes."""
