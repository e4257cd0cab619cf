"""Web search: a protocol, one module for each provider, and the chain that tries them in order."""
