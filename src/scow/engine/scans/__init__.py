"""``engine.scanner`` and ``engine.advisories``: what is in an image, and what is known to be wrong with it."""
