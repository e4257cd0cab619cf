"""Makes the bundled model's adapter: data, training, evaluation."""
