"""How the bundled model's adapter is made."""
