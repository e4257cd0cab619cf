"""Reads a file in a worker process with limits: the client, the worker, and their protocol."""
