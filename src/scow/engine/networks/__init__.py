"""``engine.networks``: networks of containers."""
