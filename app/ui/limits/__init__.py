"""What keeps one visitor, or one address, from taking the server from everybody."""
