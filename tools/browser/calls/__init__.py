"""What the model may ask: the five functions, and the GLM-4 expression form."""
