"""Small pieces that several parts of a page draw."""
