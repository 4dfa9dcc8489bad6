"""``engine.images.build``: from a Dockerfile or ops in code to an image."""
