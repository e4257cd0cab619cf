"""Skills: strings, lists and tables."""
