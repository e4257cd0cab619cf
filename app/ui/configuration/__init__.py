"""The settings as a form, for those who may change them."""
