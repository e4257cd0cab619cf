"""All network access of the browser: proxy, SSRF guard, byte quota, HTTP fetcher."""
