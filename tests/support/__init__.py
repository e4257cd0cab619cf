"""Shared parts of the tests: servers, generated files, harnesses of the real parts."""
