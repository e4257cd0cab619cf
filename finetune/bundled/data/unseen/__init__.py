"""Functions that the model has never seen."""
