"""Settings that can be set: their groups, what a form shows of them, and writing `glm.toml`."""
