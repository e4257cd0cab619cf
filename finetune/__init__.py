"""Fine-tuning of users' own models; not needed at run time."""
