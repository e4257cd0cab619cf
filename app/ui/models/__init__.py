"""Choosing a model in the page: the picker of every mode, and the page Models."""
