"""OpenDocument: odt, ods, odp."""
