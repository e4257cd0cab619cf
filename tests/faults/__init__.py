"""Faults made on purpose, against the real server: `make faults`."""
