"""Files and images that a user sends with a message: checked, stored, made ready for the model."""
