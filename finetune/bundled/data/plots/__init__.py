"""Skills: figures."""
