"""Tasks for made-up functions, so that the model learns to call functions it has never seen."""
