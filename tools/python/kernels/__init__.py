"""Jupyter kernels: local, behind a gateway, pooled and started ahead."""
