"""``engine.registries``: images between places, and what only a registry knows."""
