"""What breaks while an answer is made or drawn: the endpoint, Python, the page."""
