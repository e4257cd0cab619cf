"""The command line, `python -m app.cli`: options, writers, signals, passwords, `serve-model`."""
