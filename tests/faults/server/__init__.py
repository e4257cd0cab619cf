"""The server killed, frozen or flooded, and what it leaves behind."""
