"""``engine.dockerfiles``: Dockerfiles looked at and mended."""
