"""Skills: dates and times."""
