"""Search: a small protocol, a module a provider, and the chain that asks them in order."""
