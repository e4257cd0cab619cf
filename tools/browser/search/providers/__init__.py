"""The search services, one module each."""
