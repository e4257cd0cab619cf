"""The only way out: proxy, SSRF guard, byte quota, plain fetch."""
