"""The conversations of a visitor on the page: their list, their addresses, their branches."""
