"""Code that runs inside every kernel before the first call."""
